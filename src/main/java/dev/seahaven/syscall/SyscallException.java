package dev.seahaven.syscall;

import org.jspecify.annotations.Nullable;

/** A system call that failed: what was called, on what, and what the kernel answered. */
public final class SyscallException extends RuntimeException {

    private final String call;
    private final Errno errno;

    /**
     * @param call the call with its arguments, such as {@code mkdir("/run/x", 0700)}
     */
    public SyscallException(String call, Errno errno) {
        super(message(call, errno));
        this.call = call;
        this.errno = errno;
    }

    private static String message(String call, Errno errno) {
        String hint = hint(call, errno);
        String message = call + ": " + errno + " (" + errno.description() + ")";
        return hint == null ? message : message + "; " + hint;
    }

    /** Where errno misleads. Launches report through this too. */
    private static @Nullable String hint(String call, Errno errno) {
        String name = nameOf(call);
        boolean mounts = name.contains("mount") || name.equals("open_tree");
        if (mounts && errno == Errno.ENOSPC) {
            return "the limit of mounts (/proc/sys/fs/mount-max) is reached, no disk is full";
        }
        if ((name.equals("clone3") || name.equals("unshare")) && errno == Errno.ENOSPC) {
            return "a limit of namespaces (/proc/sys/user/max_*_namespaces, or 32 levels of"
                    + " nesting) is reached";
        }
        if (name.equals("clone3") && errno == Errno.EAGAIN) {
            return "a limit of processes (pids cgroup, RLIMIT_NPROC or kernel.pid_max) is reached";
        }
        return null;
    }

    private static String nameOf(String call) {
        int end = call.indexOf('(');
        return end < 0 ? call : call.substring(0, end);
    }

    /** The call with its arguments. */
    public String call() {
        return call;
    }

    /** The kernel's name of the call, without arguments. */
    public String syscall() {
        return nameOf(call);
    }

    public Errno errno() {
        return errno;
    }

    /**
     * Whether something ran out (descriptors, memory) or the device failed: then nothing is known
     * of what was asked for, whatever else a failure of this call usually tells.
     */
    public boolean tellsNothing() {
        return switch (errno) {
            case EMFILE, ENFILE, ENOMEM, ENOBUFS, EIO -> true;
            default -> false;
        };
    }
}

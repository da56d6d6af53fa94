package dev.seahaven.syscall;

import static dev.seahaven.syscall.Calling.CLOSE;
import static dev.seahaven.syscall.Calling.call;
import static dev.seahaven.syscall.Calling.quoted;
import static dev.seahaven.text.KernelText.cString;

import com.sun.jna.LastErrorException;
import com.sun.jna.Memory;
import com.sun.jna.Pointer;

import dev.seahaven.text.KernelText;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** {@link ProcessCalls} by JNA. */
abstract class LinuxProcessCalls extends LinuxPollCalls implements ProcessCalls {
    private static final int PRIO_PROCESS = 0;

    private static final short POSIX_SPAWN_SETSID = 0x80;

    /** _IOWR(0xFF, 11, struct pidfd_info) with the first published size (linux/pidfd.h). */
    static final long PIDFD_GET_INFO = 0xc040ff0bL;

    static final int PIDFD_INFO_SIZE = 64;
    static final long PIDFD_INFO_EXIT = 1 << 3;
    static final int PIDFD_INFO_EXIT_CODE = 60;

    @Override
    public int posixSpawn(String path, List<String> arguments, List<String> environment, Fd stdin) {
        int[] pid = new int[1];
        List<Memory> strings = new ArrayList<>();
        try (Memory actions = new Memory(Layout.SPAWN_TYPE_SIZE);
                Memory attributes = new Memory(Layout.SPAWN_TYPE_SIZE);
                Memory argv = vector(arguments, strings);
                Memory envp = vector(environment, strings)) {
            Libc.posix_spawn_file_actions_init(actions);
            Libc.posix_spawnattr_init(attributes);
            Libc.posix_spawn_file_actions_adddup2(actions, stdin.number(), 0);
            Libc.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID);
            int error = Libc.posix_spawn(pid, cString(path), actions, attributes, argv, envp);
            Libc.posix_spawn_file_actions_destroy(actions);
            Libc.posix_spawnattr_destroy(attributes);
            if (error != 0) {
                throw new SyscallException(quoted("posix_spawn", path), Errno.of(error));
            }
            return pid[0];
        } finally {
            strings.forEach(Memory::close);
        }
    }

    private static Memory vector(List<String> texts, List<Memory> strings) {
        Memory vector = new Memory(8L * (texts.size() + 1));
        vector.clear();
        for (int i = 0; i < texts.size(); i++) {
            byte[] bytes = KernelText.encode(texts.get(i));
            Memory string = new Memory(bytes.length + 1L);
            string.clear();
            string.write(0, bytes, 0, bytes.length);
            strings.add(string);
            vector.setPointer(8L * i, string);
        }
        return vector;
    }

    @Override
    public int waitpid(int pid) {
        int[] status = new int[1];
        call(() -> Libc.waitpid(pid, status, 0), () -> "waitpid(" + pid + ")");
        return status[0];
    }

    @Override
    public PidFd pidfdOpen(int pid) {
        int fd =
                call(
                        () -> Libc.syscall(SyscallNumber.PIDFD_OPEN.value(), pid, 0),
                        () -> "pidfd_open(" + pid + ")");
        return new PidFd(pid, fd, CLOSE);
    }

    @Override
    public void pidfdSendSignal(PidFd pidfd, Signal signal) {
        call(
                () ->
                        Libc.syscall(
                                SyscallNumber.PIDFD_SEND_SIGNAL.value(),
                                pidfd.number(),
                                signal.number(),
                                Pointer.NULL,
                                0),
                () -> "pidfd_send_signal(" + pidfd.pid() + ", SIG" + signal + ")");
    }

    @Override
    public OptionalInt pidfdExitStatus(PidFd pidfd) {
        try (Memory info = new Memory(PIDFD_INFO_SIZE)) {
            info.clear();
            info.setLong(0, PIDFD_INFO_EXIT);
            Libc.ioctl(pidfd.number(), PIDFD_GET_INFO, info);
            return (info.getLong(0) & PIDFD_INFO_EXIT) == 0
                    ? OptionalInt.empty()
                    : OptionalInt.of(info.getInt(PIDFD_INFO_EXIT_CODE));
        } catch (LastErrorException e) {
            return OptionalInt.empty(); // ENOTTY before Linux 6.13, ESRCH when already reaped
        }
    }

    @Override
    public boolean hasEnded(PidFd pidfd) {
        return poll(pidfd, POLLIN);
    }

    @Override
    public int geteuid() {
        return Libc.geteuid();
    }

    @Override
    public void setThreadNice(int nice) {
        call(
                () -> Libc.setpriority(PRIO_PROCESS, 0, nice),
                () -> "setpriority(PRIO_PROCESS, 0, " + nice + ")");
    }

    @Override
    public void prlimitAs(long uid, int pid, int resource, long value) {
        RuntimeException[] refusal = {null};
        Thread other = // which is that user until it ends, and does nothing else
                Thread.ofPlatform()
                        .name("seahaven-owner")
                        .start(
                                () -> {
                                    try {
                                        setEffectiveUid((int) uid);
                                        prlimit(pid, resource, value);
                                    } catch (RuntimeException e) {
                                        refusal[0] = e;
                                    }
                                });
        boolean interrupted = false;
        while (other.isAlive()) {
            try {
                other.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (refusal[0] != null) {
            throw refusal[0];
        }
    }

    /** Of this thread alone: the call of the C library would change all. */
    private static void setEffectiveUid(int uid) {
        call(
                () -> Libc.syscall(SyscallNumber.SETRESUID.value(), -1, uid, -1),
                () -> "setresuid(-1, " + Integer.toUnsignedString(uid) + ", -1)");
    }

    @Override
    public void prlimit(int pid, int resource, long value) {
        try (Memory limit = new Memory(16)) {
            limit.setLong(0, value);
            limit.setLong(8, value);
            call(
                    () -> Libc.prlimit(pid, resource, limit, null),
                    () -> "prlimit(" + pid + ", " + resource + ", " + value + ")");
        }
    }
}

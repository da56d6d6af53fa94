package dev.seahaven.sandbox.root;

import dev.seahaven.mount.Paths;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.util.Comparator;
import java.util.List;

/**
 * The file systems that an overlay over {@code /} lacks and that a sandbox needs, the outer ones
 * first. The table of mounts is read again only when it has changed, which the kernel tells
 * (proc_pid_mounts(5)).
 */
final class NeededMounts implements AutoCloseable {

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private @Nullable Fd table;
    private @Nullable List<MountInfo> found;

    NeededMounts(Syscalls syscalls, ProcRoot proc) {
        this.syscalls = syscalls;
        this.proc = proc;
    }

    synchronized List<MountInfo> get() {
        Fd open = table;
        if (open == null) {
            open = syscalls.open(proc.path() + "/self/mountinfo", Syscalls.O_RDONLY, 0);
            table = open;
            found = null;
        } else if (syscalls.mountsHaveChanged(open)) {
            found = null; // told once: what cannot be read now is to be read the next time
        }
        List<MountInfo> mounts = found;
        if (mounts == null) {
            mounts = read();
            found = mounts;
        }
        return mounts;
    }

    @Override
    public synchronized void close() {
        if (table != null) {
            table.close();
            table = null;
        }
    }

    private List<MountInfo> read() {
        return MountInfo.read(proc).stream()
                .filter(mount -> Paths.isNeededMount(mount.mountPoint()))
                .sorted(Comparator.comparing(MountInfo::mountPoint))
                .toList();
    }
}

package dev.seahaven.namespace.view;

import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * The number of a process in each pid namespace: by ioctl (Linux 6.11), else by {@code NSpid} of
 * {@code /proc/PID/status}.
 */
public final class PidTranslation {

    /** The number of a process in one pid namespace. */
    public record Level(long namespace, int pid) {}

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final ProcRoot proc;

    public PidTranslation(Syscalls syscalls, NamespaceCalls calls, ProcRoot proc) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.proc = proc;
    }

    /** The number there of a process that has {@code pid} here, if it can be seen there. */
    Optional<Integer> in(Fd pidns, int pid) {
        if (pid <= 0) {
            return Optional.empty();
        }
        try {
            return calls.nsGetTgidInPidns(pidns, pid);
        } catch (SyscallException e) {
            if (e.errno() != Errno.ENOTTY) {
                throw e;
            }
        }
        long id = syscalls.fstat(pidns).inode();
        return levels(pid).stream()
                .filter(level -> level.namespace() == id)
                .map(Level::pid)
                .findFirst();
    }

    /** From the daemon's pid namespace down to the process's own; empty where it is gone. */
    public List<Level> levels(int pid) {
        List<Long> namespaces = new ArrayList<>();
        List<Integer> numbers = ProcStatus.read(proc, pid).map(ProcStatus::pids).orElse(List.of());
        try {
            Fd at = syscalls.open(proc.path() + "/" + pid + "/ns/pid", Syscalls.O_RDONLY, 0);
            while (true) {
                namespaces.add(syscalls.fstat(at).inode());
                try (Fd below = at) {
                    at = calls.nsGetParent(below);
                }
            }
        } catch (SyscallException e) {
            if (namespaces.isEmpty() && e.errno() != Errno.EACCES) {
                return List.of();
            }
            // The top is reached.
        }
        Collections.reverse(namespaces);
        return levels(namespaces, numbers);
    }

    /** The numbers of a process in these namespaces, both from the outer to the inner. */
    public static List<Level> levels(List<Long> namespaces, List<Integer> numbers) {
        List<Level> levels = new ArrayList<>();
        for (int i = 0; i < Math.min(namespaces.size(), numbers.size()); i++) {
            levels.add(new Level(namespaces.get(i), numbers.get(i)));
        }
        return levels;
    }
}

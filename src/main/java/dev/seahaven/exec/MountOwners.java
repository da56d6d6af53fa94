package dev.seahaven.exec;

import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.life.Entrances.Entrance;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.sandbox.launch.Inside;
import dev.seahaven.sandbox.life.SandboxQueries;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Tells whose programs are run in a mount namespace: in that of a sandbox, all that is executed or
 * loaded was made by who is inside, and is not to run outside of it.
 */
public final class MountOwners {

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final NamespaceFinder finder;
    private final SandboxQueries sandboxes;
    private final Runs runs;

    public MountOwners(
            Syscalls syscalls,
            NamespaceCalls calls,
            NamespaceFinder finder,
            SandboxQueries sandboxes,
            Runs runs) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.finder = finder;
        this.sandboxes = sandboxes;
        this.runs = runs;
    }

    /**
     * The sandbox whose mount namespace it is, or in whose user namespace it was made.
     *
     * @throws Problem 409 where it is that of a run, or of a sandbox that has ended
     */
    Optional<Inside> sandbox(Entrance into) {
        if (into.type() != NamespaceType.MNT) {
            return Optional.empty();
        }
        long mounts = syscalls.fstat(into.namespace()).inode();
        Set<Long> users = into.owner() == null ? Set.of() : withAncestors(into.owner());
        Optional<Inside> found =
                sandboxes.running().stream()
                        .filter(inside -> isOf(inside.init().pid(), mounts, users))
                        .findFirst();
        if (found.isPresent()) {
            return found.map(inside -> inside.in(into.namespace()));
        }
        if (runs.underWay().stream()
                .flatMap(run -> run.processes().stream().limit(1))
                .anyMatch(pid -> isOf(pid, mounts, users))) {
            throw new Problem(
                    ProblemType.WRONG_STATE,
                    "The mount namespace belongs to a run, which ends with its command; make a"
                            + " sandbox to run more in.");
        }
        if (into.rootUid() != null && sandboxes.mayHaveIds(into.rootUid())) {
            throw new Problem(
                    ProblemType.WRONG_STATE,
                    "The mount namespace has ids of a sandbox, but belongs to none that runs: its"
                            + " programs would run without limits and filter.");
        }
        return Optional.empty();
    }

    private boolean isOf(int pid, long mounts, Set<Long> users) {
        return finder.ofProcess(pid, NamespaceType.MNT)
                        .filter(own -> own.id() == mounts)
                        .isPresent()
                || finder.ofProcess(pid, NamespaceType.USER)
                        .filter(own -> users.contains(own.id()))
                        .isPresent();
    }

    /** A user namespace and those around it, but for the daemon's own and what is around that. */
    private Set<Long> withAncestors(Fd user) {
        Set<Long> ids = new HashSet<>();
        long own = finder.own(NamespaceType.USER).orElseThrow().id();
        Fd parent = null;
        try {
            for (long id = syscalls.fstat(user).inode();
                    id != own;
                    id = syscalls.fstat(parent).inode()) {
                ids.add(id);
                Fd next = calls.nsGetParent(parent == null ? user : parent);
                close(parent);
                parent = next;
            }
        } catch (SyscallException e) {
            if (e.errno() != Errno.EPERM) { // what is around the daemon's own is not shown
                throw e;
            }
        } finally {
            close(parent);
        }
        return ids;
    }

    private static void close(@Nullable Fd parent) {
        if (parent != null) {
            parent.close();
        }
    }
}

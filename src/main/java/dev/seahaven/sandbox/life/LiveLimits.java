package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.ids.Mappings;
import dev.seahaven.problem.Problem;
import dev.seahaven.procfs.ProcLimits;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.sandbox.launch.LaunchFailures;
import dev.seahaven.sandbox.spec.Rlimits;
import dev.seahaven.sandbox.spec.SandboxLimits;
import dev.seahaven.syscall.Capability;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;

/** Changes the limits of a sandbox that runs: all of them or, after a failure, none. */
public final class LiveLimits {

    private static final int ROUNDS = 100;
    private final Syscalls syscalls;
    private final ProcRoot proc;

    LiveLimits(Syscalls syscalls, ProcRoot proc) {
        this.syscalls = syscalls;
        this.proc = proc;
    }

    /**
     * @throws Problem 400 for what cannot be changed so, 409 where more is used already, 501 where
     *     the host lacks a controller
     */
    void change(Cgroup cgroup, SandboxLimits before, SandboxLimits after) {
        if (before.equals(after)) {
            return;
        }
        if (!Objects.equals(before.diskBytes(), after.diskBytes())) {
            throw Problem.invalid(
                    "limits.diskBytes", "cannot be changed while it runs; stop it first");
        }
        if (before.shmBytes() != after.shmBytes()) {
            throw Problem.invalid(
                    "limits.shmBytes", "cannot be changed while it runs; stop it first");
        }
        List<Change> rlimits = rlimits(before, after);
        requireRaising(rlimits);
        try {
            cgroup.change(before.ofGroup(null), after.ofGroup(null));
            apply(cgroup, rlimits);
        } catch (RuntimeException e) {
            RuntimeException failure = LaunchFailures.ofLimits(e);
            try {
                cgroup.change(after.ofGroup(null), before.ofGroup(null));
            } catch (RuntimeException undo) {
                failure.addSuppressed(undo);
            }
            throw failure;
        }
    }

    /**
     * Takes a change back: it never was. A limit of processes that had none before, or that may not
     * be raised, stays.
     */
    void undo(Cgroup cgroup, SandboxLimits before, SandboxLimits after) {
        cgroup.change(after.ofGroup(null), before.ofGroup(null));
        List<Change> back = new ArrayList<>();
        if (before.openFiles() != after.openFiles()) {
            back.add(new Change(Rlimits.OPEN_FILES, before.openFiles(), false));
        }
        Rlimits.BY_NAME.forEach(
                (name, number) -> {
                    Long had = before.rlimits().get(name);
                    if (had != null && !had.equals(after.rlimits().get(name))) {
                        back.add(new Change(number, had, false));
                    }
                });
        apply(cgroup, back);
    }

    /**
     * Before anything is changed: init may have a higher hard limit than the command, and what was
     * lowered there could not be taken back.
     */
    private void requireRaising(List<Change> changes) {
        if (changes.stream().anyMatch(Change::raised)
                && (ProcStatus.ownCapabilities(proc) & Capability.SYS_RESOURCE.mask()) == 0) {
            throw cannotBeRaised(changes.getFirst());
        }
    }

    private static Problem cannotBeRaised(Change change) {
        return Problem.invalid(
                change.resource == Rlimits.OPEN_FILES ? "limits.openFiles" : "limits.rlimits",
                "cannot be raised while it runs; stop it first");
    }

    /**
     * By their numbers.
     *
     * @param raised whether it is more than before
     */
    private record Change(int resource, long value, boolean raised) {}

    /**
     * What is raised comes first: it may be refused, and what was lowered could not be taken back.
     */
    private static List<Change> rlimits(SandboxLimits before, SandboxLimits after) {
        List<Change> changes = new ArrayList<>();
        if (before.openFiles() != after.openFiles()) {
            changes.add(
                    new Change(
                            Rlimits.OPEN_FILES,
                            after.openFiles(),
                            after.openFiles() > before.openFiles()));
        }
        Rlimits.BY_NAME.forEach(
                (name, number) -> {
                    Long had = before.rlimits().get(name);
                    Long wanted = after.rlimits().get(name);
                    if (wanted == null && had != null) {
                        throw Problem.invalid(
                                "limits.rlimits." + name,
                                "cannot be taken away while it runs; give another value");
                    }
                    if (wanted != null && !wanted.equals(had)) {
                        changes.add(new Change(number, wanted, had != null && wanted > had));
                    }
                });
        changes.sort(Comparator.comparing(Change::raised).reversed());
        return changes;
    }

    /**
     * Each process has its own. They are frozen meanwhile, for one that is half forked has the old
     * limits of its parent and is in no list yet.
     */
    private void apply(Cgroup cgroup, List<Change> changes) {
        if (changes.isEmpty()) {
            return;
        }
        boolean paused = cgroup.isFrozen();
        try {
            if (!paused) {
                cgroup.freeze();
            }
            applyToAll(cgroup, changes);
        } finally {
            if (!paused) {
                cgroup.thaw();
            }
        }
    }

    /** In rounds: one that sleeps in the kernel lets itself not be frozen, and may fork then. */
    private void applyToAll(Cgroup cgroup, List<Change> changes) {
        Set<Integer> done = new HashSet<>();
        for (int round = 0; round < ROUNDS; round++) {
            List<Integer> processes = new ArrayList<>(cgroup.processes());
            processes.removeAll(done);
            if (processes.isEmpty()) {
                return;
            }
            for (Change change : changes) {
                processes.forEach(pid -> prlimit(pid, change));
            }
            done.addAll(processes);
        }
    }

    private void prlimit(int pid, Change change) {
        try {
            prlimitAsAny(pid, change);
        } catch (SyscallException e) {
            if (e.errno() == Errno.EPERM && change.raised) {
                throw cannotBeRaised(change);
            }
            // EPERM: it has given itself less already. ESRCH: it has ended.
            if (e.errno() != Errno.ESRCH && (e.errno() != Errno.EPERM || hasMore(pid, change))) {
                throw e;
            }
        }
    }

    /** As who the daemon is and, where that lacks CAP_SYS_RESOURCE, as the owner. */
    private void prlimitAsAny(int pid, Change change) {
        try {
            syscalls.prlimit(pid, change.resource, change.value);
        } catch (SyscallException e) {
            OptionalLong owner =
                    e.errno() == Errno.EPERM
                            ? Mappings.read(proc, pid).ifVisible().orElse(Mappings.NONE).owner()
                            : OptionalLong.empty();
            if (owner.isEmpty()) {
                throw e;
            }
            syscalls.prlimitAs(owner.getAsLong(), pid, change.resource, change.value);
        }
    }

    /** Else what is to be lowered would be told to be so, and is not. */
    private boolean hasMore(int pid, Change change) {
        return ProcLimits.read(proc, pid)
                .ifVisible()
                .filter(limits -> limits.isMore(Rlimits.name(change.resource), change.value))
                .isPresent();
    }
}

package dev.seahaven.sandbox;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.MissingFeatureException;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.web.Problem;
import dev.seahaven.web.ProblemType;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Changes the limits of a sandbox that runs: all of them or, after a failure, none. */
final class LiveLimits {

    private final Syscalls syscalls;

    LiveLimits(Syscalls syscalls) {
        this.syscalls = syscalls;
    }

    /**
     * @throws Problem 400 for what cannot be changed so, 409 where more is used already, 501 where
     *     the host lacks a controller
     */
    void change(Cgroup cgroup, Limits before, Limits after) {
        if (before.equals(after)) {
            return;
        }
        if (!Objects.equals(before.diskBytes(), after.diskBytes())) {
            throw Problem.invalid(
                    "limits.diskBytes", "cannot be changed while it runs; stop it first");
        }
        try {
            cgroup.change(before.ofGroup(null), after.ofGroup(null));
            applyRlimits(cgroup, before, after);
        } catch (RuntimeException e) {
            RuntimeException failure = explain(e);
            try {
                cgroup.change(after.ofGroup(null), before.ofGroup(null));
            } catch (RuntimeException undo) {
                failure.addSuppressed(undo);
            }
            throw failure;
        }
    }

    /** A limit that the host cannot set, that the kernel does not take, or no longer takes. */
    static RuntimeException explain(RuntimeException failure) {
        return switch (failure) {
            case MissingFeatureException missing ->
                    new Problem(
                                    ProblemType.UNSUPPORTED_FEATURE,
                                    String.valueOf(missing.getMessage()))
                            .with("feature", missing.feature());
            case SyscallException refusal -> refused(refusal);
            default -> failure;
        };
    }

    private static RuntimeException refused(SyscallException refusal) {
        return switch (refusal.errno()) {
            case EINVAL, ERANGE, ENODEV, ENOSPC ->
                    Problem.invalid("limits", "the kernel does not take: " + refusal.getMessage());
            case EBUSY ->
                    new Problem(
                            ProblemType.WRONG_STATE,
                            "More is used already than the new limit allows: "
                                    + refusal.getMessage());
            default -> refusal;
        };
    }

    /**
     * Each process has its own: those that are there get them one by one, their children inherit.
     */
    private void applyRlimits(Cgroup cgroup, Limits before, Limits after) {
        Map<Integer, Long> changed = new HashMap<>();
        if (before.openFiles() != after.openFiles()) {
            changed.put(Rlimits.OPEN_FILES, (long) after.openFiles());
        }
        Rlimits.BY_NAME.forEach(
                (name, number) -> {
                    Long wanted = after.rlimits().get(name);
                    if (!Objects.equals(before.rlimits().get(name), wanted)) {
                        if (wanted == null) {
                            throw Problem.invalid(
                                    "limits.rlimits." + name,
                                    "cannot be taken away while it runs; give another value");
                        }
                        changed.put(number, wanted);
                    }
                });
        for (int pid : changed.isEmpty() ? List.<Integer>of() : cgroup.processes()) {
            changed.forEach((resource, value) -> prlimit(pid, resource, value));
        }
    }

    private void prlimit(int pid, int resource, long value) {
        try {
            syscalls.prlimit(pid, resource, value);
        } catch (SyscallException e) {
            if (e.errno() == Errno.EPERM) {
                throw Problem.invalid(
                        resource == Rlimits.OPEN_FILES ? "limits.openFiles" : "limits.rlimits",
                        "cannot be raised while it runs; stop it first");
            }
            if (e.errno() != Errno.ESRCH) {
                throw e;
            }
        }
    }
}

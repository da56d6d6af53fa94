package dev.seahaven.cgroup;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;

/** The control group of one sandbox, on whichever hierarchy the host has. */
public interface Cgroup extends ProcessGroup {

    /** Its path below the root of the hierarchy, such as {@code /seahaven/k3v9x2m4qh7d}. */
    String path();

    /**
     * Makes ahead of a launch what it needs: with these limits it then only has to be entered, with
     * others it is limited anew.
     */
    void prepare(Limits likely);

    /**
     * Sets its limits, for the first time; what was not limited before has to be possible.
     *
     * @param accounted whether the time of its processes is to be told while they run
     * @throws MissingFeatureException when the host cannot set one of them
     */
    void limit(Limits limits, boolean accounted);

    /** Changes limits while processes are in it. */
    void change(Limits before, Limits after);

    Usage usage();

    Usage.Evidence evidence();

    /** Time that its processes have used; null where nobody counts. */
    @Nullable Double cpuMillis();

    /** The most memory that it has ever used; null where nobody counts. */
    @Nullable Long peakMemoryBytes();

    /**
     * A new group below it for one program, which has its limits with all others in it. With this
     * one it is removed, and its processes are killed.
     *
     * @param name that nothing below it has
     */
    ProcessGroup below(String name);

    /**
     * A group as its own processes see it below {@code /sys/fs/cgroup}.
     *
     * @param directory on the host
     * @param place the name there of a v1 hierarchy; empty for cgroup2, which is all there is
     */
    record Shown(Path directory, String place) {}

    /**
     * What tells its processes their limits: the form of cgroup2 where that has the controllers.
     */
    List<Shown> shown();

    /** Stops every process in it, and returns when all are stopped or after one second. */
    void freeze();

    void thaw();

    /** Whether it is frozen, or about to be. */
    boolean isFrozen();

    /** Whether a call failed for the group is gone, which it is as soon as its life has ended. */
    static boolean isGone(SyscallException failure) {
        return failure.errno() == Errno.ENOENT || failure.errno() == Errno.ENODEV;
    }
}

package dev.seahaven.cgroup;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;

/** The control group of one sandbox, on whichever hierarchy the host has. */
public interface Cgroup {

    /** Its path below the root of the hierarchy, such as {@code /seahaven/k3v9x2m4qh7d}. */
    String path();

    /**
     * What a launch needs to start in it: one of the first two is not null.
     *
     * @param v2 the directory on a cgroup2, for CLONE_INTO_CGROUP
     * @param freezer the directory on a v1 freezer
     * @param v1 directories on v1 hierarchies, the freezer first
     */
    record Entry(@Nullable Fd v2, @Nullable Fd freezer, List<Fd> v1) implements AutoCloseable {
        @Override
        public void close() {
            if (v2 != null) {
                v2.close();
            }
            v1.forEach(Fd::close);
        }
    }

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

    /** The processes in it, by their numbers in the daemon's pid namespace. */
    List<Integer> processes();

    /** Opens the directories for a launch. */
    Entry enter();

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

    /** Kills every process in it, frozen or not. */
    void kill();

    /** Whether a living process is in it. */
    boolean isPopulated();

    /** Whether it is frozen, or about to be. */
    boolean isFrozen();

    /**
     * Removes it with all groups below it, and kills what is still in them; waits up to ten seconds
     * for that.
     */
    void remove();

    /** Whether a call failed for the group is gone, which it is as soon as its life has ended. */
    static boolean isGone(SyscallException failure) {
        return failure.errno() == Errno.ENOENT || failure.errno() == Errno.ENODEV;
    }
}

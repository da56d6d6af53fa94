package dev.seahaven.cgroup;

import dev.seahaven.syscall.Fd;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** Processes that are ended together: those of a sandbox, or of one program. */
public interface ProcessGroup {

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

    /** The processes in it and below it, by their numbers in the daemon's pid namespace. */
    List<Integer> processes();

    /** Opens the directories for a launch. */
    Entry enter();

    /** Kills every process in it, frozen or not. */
    void kill();

    /** Whether a living process is in it. */
    boolean isPopulated();

    /** Removes it if nothing is in it; returns whether it is gone. */
    boolean removeIfEmpty();

    /**
     * Removes it with all groups below it, and kills what is still in them; waits up to ten seconds
     * for that.
     */
    void remove();
}

package dev.seahaven.cgroup;

import dev.seahaven.syscall.Fd;

import org.jspecify.annotations.Nullable;

/** The control group of one sandbox, on whichever hierarchy the host has. */
public interface Cgroup {

    /** Its path below the root of the hierarchy, such as {@code /seahaven/k3v9x2m4qh7d}. */
    String path();

    /**
     * What a launch needs to start in it: one of the two is not null.
     *
     * @param v2 the directory on a cgroup2, for CLONE_INTO_CGROUP
     * @param freezer the directory on a v1 freezer
     */
    record Entry(@Nullable Fd v2, @Nullable Fd freezer) implements AutoCloseable {
        @Override
        public void close() {
            if (v2 != null) {
                v2.close();
            }
            if (freezer != null) {
                freezer.close();
            }
        }
    }

    /** Opens the directory for a launch. */
    Entry enter();

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
}

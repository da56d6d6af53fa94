package dev.seahaven.cgroup;

import dev.seahaven.syscall.Fd;

import java.util.List;

/** The group of a sandbox on the hierarchy that freezes and kills. */
public interface Freezer {

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
     * Opens what a launch needs to start in the group.
     *
     * @param others the opened groups on other hierarchies, which are closed when this fails
     */
    ProcessGroup.Entry open(List<Fd> others);
}

package dev.seahaven.cgroup.host;

import dev.seahaven.cgroup.Dialect;

import java.nio.file.Path;

/**
 * A mounted hierarchy of the host.
 *
 * @param own the daemon's group on it
 * @param base whether it is the one that freezes and kills: on each other one a sandbox has a group
 *     of its own, which its processes have to enter
 */
record Hierarchy(Path mountPoint, Path own, Dialect dialect, boolean base) {

    private static final String UNLIMITED = "default-limits";

    /** What its mount point is called, such as {@code memory} or {@code cpu,cpuacct}. */
    String name() {
        return mountPoint.getFileName().toString();
    }

    /** The group of those sandboxes that have none of their own on it. */
    Path unlimited() {
        return group(UNLIMITED);
    }

    /** The group of a sandbox on it. */
    Path group(String id) {
        return own.resolve(id);
    }
}

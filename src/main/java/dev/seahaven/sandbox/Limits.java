package dev.seahaven.sandbox;

import dev.seahaven.cgroup.Limits.IoRate;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/**
 * The limits of a sandbox, with every default filled in; null and empty is without a limit.
 *
 * @param diskBytes of the writable layer
 * @param openFiles of one process
 * @param rlimits of one process, by name in lower case
 */
record Limits(
        @Nullable Long memoryBytes,
        @Nullable Long swapBytes,
        @Nullable Double cpus,
        @Nullable String cpuset,
        @Nullable Integer pids,
        @Nullable Integer ioWeight,
        List<IoRate> io,
        Map<String, Long> hugepageBytes,
        @Nullable Long diskBytes,
        int openFiles,
        Map<String, Long> rlimits) {

    /** What a cgroup sets of them. */
    dev.seahaven.cgroup.Limits ofGroup(dev.seahaven.cgroup.Limits.@Nullable DeviceRules devices) {
        return new dev.seahaven.cgroup.Limits(
                memoryBytes, swapBytes, cpus, cpuset, pids, ioWeight, io, hugepageBytes, devices);
    }
}

package dev.seahaven.sandbox.spec;

import dev.seahaven.cgroup.DeviceRules;
import dev.seahaven.cgroup.Limits;

import org.jspecify.annotations.Nullable;

import java.util.Map;

/**
 * The limits of a sandbox, with every default filled in.
 *
 * @param group of all its processes together
 * @param diskBytes of the writable layer, which is then in memory; null: on disk, without a limit
 * @param shmBytes size of {@code /dev/shm}
 * @param openFiles of one process
 * @param rlimits of one process, by name in lower case
 */
public record SandboxLimits(
        Limits group,
        @Nullable Long diskBytes,
        long shmBytes,
        int openFiles,
        Map<String, Long> rlimits) {

    /** What its group is limited to, with devices beside the usual ones. */
    public Limits ofGroup(@Nullable DeviceRules devices) {
        return group.with(Limits.DEVICES, devices);
    }
}

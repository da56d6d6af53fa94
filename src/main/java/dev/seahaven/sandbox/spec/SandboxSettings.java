package dev.seahaven.sandbox.spec;

import java.nio.file.Path;
import java.time.Duration;

/**
 * What the configuration says of sandboxes.
 *
 * @param stateDirectory holds one directory for each sandbox
 * @param runDirectory holds one file for each sandbox that runs
 * @param logLimitBytes of both streams of one sandbox
 * @param captureLimitBytes of each stream of a run
 * @param scratchBytes size of a run's writable layer, in memory
 * @param diskReserveBytes what sandboxes leave free of the disk of the state directory
 * @param firstId lowest id on the host that a sandbox may be given
 * @param changeTimeout how long a change waits for another of the same sandbox
 * @param processors how many the host may have
 * @param memoryBytes limit of a sandbox that names none
 * @param metricsPerSandbox whether there are metrics with the id of each sandbox
 * @param allowPrivileged whether {@code security.privileged} may be asked for
 */
public record SandboxSettings(
        Path stateDirectory,
        Path runDirectory,
        long logLimitBytes,
        long captureLimitBytes,
        long scratchBytes,
        long diskReserveBytes,
        long firstId,
        Duration changeTimeout,
        int processors,
        long memoryBytes,
        boolean metricsPerSandbox,
        boolean allowPrivileged) {}

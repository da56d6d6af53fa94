package dev.seahaven.daemon;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;

/**
 * The configuration below {@code seahaven}.
 *
 * @param runDirectory socket, token, lock and what belongs to living sandboxes; gone after a reboot
 * @param stateDirectory what outlives the daemon
 * @param cgroup name of the daemon's group below the root of the hierarchy
 * @param group whose members may use the Unix socket, if there is such a group
 * @param allowedHosts values of the header Host that TCP requests may have, without port
 * @param allowedOrigins origins of foreign pages that may call the API
 */
@ConfigurationProperties("seahaven")
record SeahavenProperties(
        @DefaultValue("/run/seahaven") Path runDirectory,
        @DefaultValue("/var/lib/seahaven") Path stateDirectory,
        @DefaultValue("seahaven") String cgroup,
        @DefaultValue("seahaven") String group,
        @DefaultValue({"localhost", "127.0.0.1", "[::1]"}) Set<String> allowedHosts,
        @DefaultValue Set<String> allowedOrigins,
        @DefaultValue SandboxProperties sandbox,
        @DefaultValue PolicyProperties policy,
        @DefaultValue MetricsProperties metrics) {

    /**
     * @param allowPrivileged whether a request may ask for {@code security.privileged}
     */
    record PolicyProperties(@DefaultValue("false") boolean allowPrivileged) {}

    /**
     * @param perSandbox whether there are metrics with the id of each sandbox as a label
     */
    record MetricsProperties(@DefaultValue("false") boolean perSandbox) {}

    /**
     * @param logLimit of the output that is kept of one sandbox; more ends it
     * @param captureLimit of each stream of a run; the rest is cut
     * @param scratch size of the writable layer of a run, which is in memory
     * @param memory limit of a sandbox that names none; at most what the host has
     * @param firstId lowest id of the host that sandboxes are given
     * @param changeTimeout how long a change waits for another of the same sandbox
     */
    record SandboxProperties(
            @DefaultValue("64MB") DataSize logLimit,
            @DefaultValue("1MB") DataSize captureLimit,
            @DefaultValue("256MB") DataSize scratch,
            @DefaultValue("1GB") DataSize memory,
            @DefaultValue("524288") long firstId,
            @DefaultValue("30s") Duration changeTimeout) {}
}

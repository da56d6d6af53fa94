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
 * @param runDirectory socket, token, lock and what belongs to living sandboxes; gone after a
 *     reboot. An absolute path
 * @param stateDirectory what outlives the daemon. An absolute path
 * @param cgroup name of the daemon's group below the root of the hierarchy. One name: letters,
 *     digits, {@code -}, {@code _}, {@code .}
 * @param group whose members may use the Unix socket, if there is such a group. A name of group(5)
 * @param allowedHosts values of the header Host that TCP requests may have. Names and addresses
 *     without a port
 * @param allowedOrigins origins of foreign pages that may call the API. Scheme and host, such as
 *     {@code https://example.org}, with a port where it is not the usual one
 */
@ConfigurationProperties(prefix = "seahaven", ignoreUnknownFields = false)
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

    SeahavenProperties {
        check("run-directory", runDirectory.isAbsolute(), "an absolute path", runDirectory);
        check("state-directory", stateDirectory.isAbsolute(), "an absolute path", stateDirectory);
        check("cgroup", cgroup.matches("[A-Za-z0-9][-_.A-Za-z0-9]{0,99}"), "one name", cgroup);
        check("group", group.matches("[^:,\\s]+"), "the name of a group", group);
        for (String host : allowedHosts) {
            check(
                    "allowed-hosts",
                    host.matches("[-.A-Za-z0-9]+|\\[[0-9a-fA-F:]+\\]"),
                    "names and addresses without a port",
                    host);
        }
        for (String origin : allowedOrigins) {
            check(
                    "allowed-origins",
                    origin.matches("https?://[^/\\s]+"),
                    "scheme and host",
                    origin);
        }
    }

    private static void check(String name, boolean holds, String wanted, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(
                    "seahaven." + name + " must be " + wanted + ", and is " + value);
        }
    }

    /**
     * @param allowPrivileged whether a request may ask for {@code security.privileged}, which
     *     switches off what protects the host
     */
    record PolicyProperties(@DefaultValue("false") boolean allowPrivileged) {}

    /**
     * @param perSandbox whether there are metrics with the id of each sandbox as a label
     */
    record MetricsProperties(@DefaultValue("false") boolean perSandbox) {}

    /**
     * @param logLimit output that is kept of one life of a sandbox, both streams together; more
     *     ends it. What the lives before have written is dropped at a start once it is more than
     *     half of this. From 4KB to 1TB
     * @param captureLimit what is kept of each stream of a run; the rest is cut. From 1B to 16MB
     * @param scratch size of the writable layer of a run, which is in memory. From 1MB to 1TB
     * @param diskReserve what sandboxes leave free of the disk of the state directory, but at most
     *     a twentieth of it: when less is free, the one with the largest layer is ended, and none
     *     is made. From 0B, which guards nothing, to 1TB
     * @param memory limit of a sandbox that names none, within what the host has. From 4MB to
     *     1024TB
     * @param firstId lowest id of the host that sandboxes are given. From 65536 to 4293918720
     * @param changeTimeout how long a change waits for another of the same sandbox. From 1ms to 1h
     */
    record SandboxProperties(
            @DefaultValue("64MB") DataSize logLimit,
            @DefaultValue("1MB") DataSize captureLimit,
            @DefaultValue("256MB") DataSize scratch,
            @DefaultValue("1GB") DataSize diskReserve,
            @DefaultValue("1GB") DataSize memory,
            @DefaultValue("524288") long firstId,
            @DefaultValue("30s") Duration changeTimeout) {

        SandboxProperties {
            require("log-limit", logLimit, DataSize.ofKilobytes(4), DataSize.ofTerabytes(1));
            require("capture-limit", captureLimit, DataSize.ofBytes(1), DataSize.ofMegabytes(16));
            require("scratch", scratch, DataSize.ofMegabytes(1), DataSize.ofTerabytes(1));
            require("disk-reserve", diskReserve, DataSize.ofBytes(0), DataSize.ofTerabytes(1));
            require("memory", memory, DataSize.ofMegabytes(4), DataSize.ofTerabytes(1024));
            require("first-id", firstId, 65_536L, 4_293_918_720L);
            require("change-timeout", changeTimeout, Duration.ofMillis(1), Duration.ofHours(1));
        }

        private static <T extends Comparable<T>> void require(
                String name, T value, T least, T most) {
            check(
                    "sandbox." + name,
                    value.compareTo(least) >= 0 && value.compareTo(most) <= 0,
                    "from " + least + " to " + most,
                    value);
        }
    }
}

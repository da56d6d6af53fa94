package dev.seahaven.audit;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.scan.Membership;
import dev.seahaven.sandbox.life.HardenedSandboxes.Hardened;
import dev.seahaven.syscall.Capability;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * What was seen of the layers around a process.
 *
 * @param uidMappings of its user namespace
 * @param clocksAreHosts whether a clock inside tells how long the host has been up
 * @param lsmLabel of AppArmor or SELinux; empty where no module gives one
 * @param landlock null where it cannot be told: the kernel shows it to nobody
 * @param writableMounts sensitive ones
 * @param openKernelPaths that are neither hidden nor read-only
 * @param engineSockets of container engines, that it can reach
 * @param devices of the host, besides the harmless ones
 * @param listening on the host's network
 * @param sandbox null for a process that is none of ours
 */
public record Facts(
        Map<NamespaceType, Seen<Membership>> namespaces,
        Seen<List<IdMapping>> uidMappings,
        Seen<Boolean> clocksAreHosts,
        Credentials credentials,
        Seccomp seccomp,
        Seen<Optional<String>> lsmLabel,
        @Nullable Boolean landlock,
        Seen<Resources> resources,
        Seen<List<String>> writableMounts,
        Seen<List<String>> openKernelPaths,
        Seen<List<String>> engineSockets,
        Seen<List<String>> devices,
        Seen<List<String>> listening,
        @Nullable Hardened sandbox) {

    /**
     * @param sets by the names that {@code /proc/PID/status} has for them
     * @param reachable capabilities that it has or that it or its children can get
     */
    public record Credentials(
            Map<String, List<String>> sets,
            Set<Capability> reachable,
            Set<Capability> ambient,
            boolean noNewPrivileges) {}

    /**
     * @param mode of seccomp(2), in words
     * @param letsThrough dangerous system calls; null where the filter is another's and cannot be
     *     read
     */
    public record Seccomp(String mode, int filters, @Nullable List<String> letsThrough) {}

    /**
     * What limits it, and its groups.
     *
     * @param writable whether a cgroup file system is mounted writable
     * @param memoryLimitBytes null without a limit, as are the others
     * @param openFilesLimit hard limit of the process
     */
    public record Resources(
            Map<String, String> cgroups,
            boolean writable,
            @Nullable Long memoryLimitBytes,
            @Nullable Long pidsLimit,
            @Nullable Long openFilesLimit) {}

    private Seen<Membership> namespace(NamespaceType type) {
        return Objects.requireNonNull(namespaces.get(type));
    }

    /** Whether a namespace is known to be the host's. */
    boolean isHosts(NamespaceType type) {
        return namespace(type).is(membership -> !membership.isolated());
    }

    /** Whether a namespace is known to be another than the host's. */
    boolean isIsolated(NamespaceType type) {
        return namespace(type).is(Membership::isolated);
    }

    /** Whether an id inside is known to be uid 0 of the host. */
    boolean rootIsHosts() {
        return isHosts(NamespaceType.USER) || uidMappings.is(Facts::mapsRoot);
    }

    /** Whether an id inside may be uid 0 of the host. */
    boolean rootMayBeHosts() {
        return !isIsolated(NamespaceType.USER) || uidMappings.mayBe(Facts::mapsRoot);
    }

    private static boolean mapsRoot(List<IdMapping> mappings) {
        return mappings.stream().anyMatch(each -> each.mapsOutside(0));
    }

    /** The layers that could not be looked at, with the reason. */
    public Map<String, String> unknown() {
        Map<String, String> unknown = new LinkedHashMap<>();
        namespaces.forEach((type, seen) -> add(unknown, "namespaces." + type.kernelName(), seen));
        add(unknown, "uidMappings", uidMappings);
        add(unknown, "clocks", clocksAreHosts);
        add(unknown, "lsmLabel", lsmLabel);
        add(unknown, "cgroup", resources);
        add(unknown, "writableMounts", writableMounts);
        add(unknown, "openKernelPaths", openKernelPaths);
        add(unknown, "engineSockets", engineSockets);
        add(unknown, "devices", devices);
        add(unknown, "listening", listening);
        return unknown;
    }

    private static void add(Map<String, String> unknown, String layer, Seen<?> seen) {
        if (seen instanceof Seen.Unknown<?>(String why)) {
            unknown.put(layer, why);
        }
    }
}

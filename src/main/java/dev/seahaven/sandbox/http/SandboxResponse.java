package dev.seahaven.sandbox.http;

import com.fasterxml.jackson.annotation.JsonInclude;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.scan.Membership;
import dev.seahaven.sandbox.life.Sandbox;
import dev.seahaven.sandbox.spec.LimitsRequest;
import dev.seahaven.sandbox.spec.SandboxSpec;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A sandbox as it is answered: what was asked for with its defaults, and what it is doing. */
@Schema(name = "Sandbox")
record SandboxResponse(
        @Schema(example = "k3v9x2m4qh7d") String id,
        @Nullable String name,
        Map<String, String> labels,
        Instant createdAt,
        @Nullable RootfsResponse rootfs,
        List<String> command,
        Map<String, String> env,
        String workingDirectory,
        String user,
        @Nullable String hostname,
        boolean init,
        NamespacesResponse namespaces,
        NetworkResponse network,
        LimitsRequest limits,
        SecurityResponse security,
        String stopSignal,
        @Nullable Double timeoutSeconds,
        boolean start,
        StateResponse state,
        @Schema(description = "Its namespaces by type, while it runs.")
                Map<String, Isolation> isolation,
        @Nullable Timings timings,
        String cgroup) {

    @Schema(name = "RootfsOfSandbox")
    record RootfsResponse(String path, boolean ephemeral, boolean readOnly) {

        private static @Nullable RootfsResponse of(SandboxSpec.@Nullable Rootfs rootfs) {
            return rootfs == null
                    ? null
                    : new RootfsResponse(rootfs.path(), rootfs.ephemeral(), rootfs.readOnly());
        }
    }

    @Schema(name = "NamespacesOfSandbox")
    record NamespacesResponse(
            String pid,
            String mount,
            String uts,
            String ipc,
            String cgroup,
            UserResponse user,
            TimeResponse time) {

        private static NamespacesResponse of(SandboxSpec.Namespaces n) {
            return new NamespacesResponse(
                    n.pid().text(),
                    n.mount().text(),
                    n.uts().text(),
                    n.ipc().text(),
                    n.cgroup().text(),
                    new UserResponse(
                            n.user().mode().text(),
                            ranges(n.user().uidMappings()),
                            ranges(n.user().gidMappings())),
                    new TimeResponse(
                            n.time().mode().text(),
                            n.time().monotonicOffsetSeconds(),
                            n.time().boottimeOffsetSeconds()));
        }

        private static List<Range> ranges(List<IdMapping> mappings) {
            return mappings.stream()
                    .map(each -> new Range(each.inside(), each.outside(), each.length()))
                    .toList();
        }
    }

    @Schema(name = "IdRange")
    record Range(long inside, long outside, long length) {}

    @Schema(name = "UserNamespaceOfSandbox")
    record UserResponse(String mode, List<Range> uidMappings, List<Range> gidMappings) {}

    @Schema(name = "TimeNamespaceOfSandbox")
    record TimeResponse(String mode, long monotonicOffsetSeconds, long boottimeOffsetSeconds) {}

    @Schema(name = "NetworkOfSandbox")
    record NetworkResponse(String mode, @Nullable String join) {}

    /**
     * @param id the kernel's number of the namespace
     * @param isolated whether it is another than the host's
     * @param ownedBy the user namespace that has rights over it, where that is not the sandbox's
     *     own
     */
    @Schema(name = "Isolation")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Isolation(long id, boolean isolated, @Nullable Long ownedBy) {}

    @Schema(name = "Timings")
    record Timings(double claimMillis, double launchMillis, double totalMillis) {

        private static @Nullable Timings of(Sandbox.@Nullable Timings timings) {
            return timings == null
                    ? null
                    : new Timings(
                            timings.claimMillis(), timings.launchMillis(), timings.totalMillis());
        }
    }

    /**
     * @param memberships in which namespaces it is, while it runs
     * @param cgroup the path of its group
     */
    static SandboxResponse of(Sandbox sandbox, List<Membership> memberships, String cgroup) {
        SandboxSpec spec = sandbox.spec();
        return new SandboxResponse(
                sandbox.id().value(),
                spec.name(),
                spec.labels(),
                sandbox.createdAt(),
                RootfsResponse.of(spec.rootfs()),
                spec.command(),
                spec.env(),
                spec.workingDirectory(),
                spec.user(),
                hostname(sandbox),
                spec.init(),
                NamespacesResponse.of(spec.namespaces()),
                new NetworkResponse(
                        spec.network().mode().name().toLowerCase(Locale.ROOT),
                        spec.network().join()),
                LimitsRequest.of(spec.limits()),
                SecurityResponse.of(spec.security()),
                spec.stopSignal().name(),
                spec.timeoutSeconds(),
                spec.start(),
                StateResponse.of(sandbox.state()),
                isolation(memberships),
                Timings.of(sandbox.timings()),
                cgroup);
    }

    private static @Nullable String hostname(Sandbox sandbox) {
        SandboxSpec spec = sandbox.spec();
        boolean own = spec.isNew(NamespaceType.UTS);
        return own && spec.hostname() == null ? sandbox.id().value() : spec.hostname();
    }

    private static Map<String, Isolation> isolation(List<Membership> memberships) {
        Map<String, Isolation> isolation = new LinkedHashMap<>();
        for (Membership each : memberships) {
            isolation.put(
                    each.type().kernelName(),
                    new Isolation(each.id(), each.isolated(), each.ownedBy()));
        }
        return isolation;
    }
}

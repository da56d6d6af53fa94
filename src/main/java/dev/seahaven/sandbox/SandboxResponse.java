package dev.seahaven.sandbox;

import com.fasterxml.jackson.annotation.JsonInclude;

import dev.seahaven.namespace.IdMapping;
import dev.seahaven.namespace.NamespaceFinder;
import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceType;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** A sandbox as it is answered: what was asked for with its defaults, and what it is doing. */
@Schema(name = "Sandbox")
record SandboxResponse(
        @Schema(type = "string", example = "k3v9x2m4qh7d") SandboxId id,
        @Nullable String name,
        Map<String, String> labels,
        Instant createdAt,
        SandboxSpec.@Nullable Rootfs rootfs,
        List<String> command,
        Map<String, String> env,
        String workingDirectory,
        String user,
        @Nullable String hostname,
        boolean init,
        NamespacesResponse namespaces,
        NetworkResponse network,
        Limits limits,
        SecurityResponse security,
        String stopSignal,
        @Nullable Double timeoutSeconds,
        boolean start,
        SandboxState state,
        @Schema(description = "Its namespaces by type, while it runs.")
                Map<String, Isolation> isolation,
        Sandbox.@Nullable Timings timings,
        String cgroup) {

    @Schema(name = "NamespacesOfSandbox")
    record NamespacesResponse(
            String pid,
            String mount,
            String uts,
            String ipc,
            String cgroup,
            UserResponse user,
            TimeResponse time) {}

    @Schema(name = "UserNamespaceOfSandbox")
    record UserResponse(String mode, List<IdMapping> uidMappings, List<IdMapping> gidMappings) {}

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

    static SandboxResponse of(Sandbox sandbox, String cgroup, NamespaceFinder finder) {
        SandboxSpec spec = sandbox.spec();
        SandboxSpec.Namespaces n = spec.namespaces();
        SandboxState state = sandbox.state();
        return new SandboxResponse(
                sandbox.id(),
                spec.name(),
                spec.labels(),
                sandbox.createdAt(),
                spec.rootfs(),
                spec.command(),
                spec.env(),
                spec.workingDirectory(),
                spec.user(),
                hostname(sandbox),
                spec.init(),
                new NamespacesResponse(
                        n.pid().text(),
                        n.mount().text(),
                        n.uts().text(),
                        n.ipc().text(),
                        n.cgroup().text(),
                        new UserResponse(
                                n.user().mode().text(),
                                n.user().uidMappings(),
                                n.user().gidMappings()),
                        new TimeResponse(
                                n.time().mode().text(),
                                n.time().monotonicOffsetSeconds(),
                                n.time().boottimeOffsetSeconds())),
                new NetworkResponse(
                        spec.network().mode().name().toLowerCase(Locale.ROOT),
                        spec.network().join()),
                spec.limits(),
                SecurityResponse.of(spec.security()),
                spec.stopSignal().name(),
                spec.timeoutSeconds(),
                spec.start(),
                state,
                state.pid() == null ? Map.of() : isolation(state.pid(), finder),
                sandbox.timings(),
                cgroup);
    }

    private static @Nullable String hostname(Sandbox sandbox) {
        SandboxSpec spec = sandbox.spec();
        boolean own = spec.isNew(NamespaceType.UTS);
        return own && spec.hostname() == null ? sandbox.id().value() : spec.hostname();
    }

    private static Map<String, Isolation> isolation(int pid, NamespaceFinder finder) {
        Map<String, Isolation> isolation = new LinkedHashMap<>();
        Optional<NamespaceLink> user = finder.ofProcess(pid, NamespaceType.USER);
        for (NamespaceType type : NamespaceType.values()) {
            Optional<NamespaceLink> link = finder.ofProcess(pid, type);
            boolean isolated = !link.equals(finder.own(type));
            link.ifPresent(
                    here ->
                            isolation.put(
                                    type.kernelName(),
                                    new Isolation(
                                            here.id(),
                                            isolated,
                                            isolated && type != NamespaceType.USER
                                                    ? finder.otherOwner(pid, type, user)
                                                    : null)));
        }
        return isolation;
    }
}

package dev.seahaven.audit.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;

import dev.seahaven.audit.Audit;
import dev.seahaven.audit.Facts;
import dev.seahaven.audit.Finding;
import dev.seahaven.ids.IdMapping;
import dev.seahaven.namespace.scan.Membership;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The layers of isolation of one process, and the doors that are open, as it is answered. */
@Schema(name = "Audit")
record AuditResponse(
        @Schema(description = "The process that was looked at.") int pid,
        String command,
        @Nullable String sandbox,
        Layers layers,
        @Schema(
                        description =
                                "Layers that could not be looked at, each with the reason. They are"
                                        + " null above, and each has a finding of its own.")
                Map<String, String> unknown,
        @Schema(description = "The worst first.") List<FindingResponse> findings) {

    /**
     * A member is null where the layer could not be looked at.
     *
     * @param uidMappings empty where the user namespace is the host's
     * @param capabilities decoded, by the names that {@code /proc/PID/status} has for the sets
     * @param lsmLabel of AppArmor or SELinux; null where no module gives one, too
     * @param landlock null where it cannot be told: the kernel shows it to nobody
     * @param writableMounts sensitive ones
     * @param engineSockets of container engines, that it can reach
     * @param devices of the host, besides the harmless ones
     * @param listening on the host's network
     */
    @Schema(name = "IsolationLayers")
    record Layers(
            Map<String, Namespace> namespaces,
            @Nullable List<IdRange> uidMappings,
            Map<String, List<String>> capabilities,
            Seccomp seccomp,
            boolean noNewPrivileges,
            @Nullable String lsmLabel,
            @Nullable Boolean landlock,
            @Nullable Cgroup cgroup,
            @Nullable List<String> writableMounts,
            @Nullable List<String> openKernelPaths,
            @Nullable List<String> engineSockets,
            @Nullable List<String> devices,
            @Nullable List<String> listening) {

        private static Layers of(Facts facts) {
            Map<String, Namespace> namespaces = new LinkedHashMap<>();
            facts.namespaces()
                    .forEach(
                            (type, seen) -> {
                                Membership membership = seen.orNull();
                                if (membership != null) {
                                    namespaces.put(type.kernelName(), Namespace.of(membership));
                                }
                            });
            boolean hosts = namespaces.containsKey("user") && !namespaces.get("user").isolated;
            Optional<String> label = facts.lsmLabel().orNull();
            return new Layers(
                    namespaces,
                    hosts ? List.of() : IdRange.of(facts.uidMappings().orNull()),
                    facts.credentials().sets(),
                    Seccomp.of(facts.seccomp()),
                    facts.credentials().noNewPrivileges(),
                    label == null ? null : label.orElse(null),
                    facts.landlock(),
                    Cgroup.of(facts.resources().orNull()),
                    facts.writableMounts().orNull(),
                    facts.openKernelPaths().orNull(),
                    facts.engineSockets().orNull(),
                    facts.devices().orNull(),
                    facts.listening().orNull());
        }
    }

    @Schema(name = "IdRange")
    record IdRange(long inside, long outside, long length) {

        private static @Nullable List<IdRange> of(@Nullable List<IdMapping> mappings) {
            return mappings == null
                    ? null
                    : mappings.stream()
                            .map(each -> new IdRange(each.inside(), each.outside(), each.length()))
                            .toList();
        }
    }

    /**
     * @param ownedBy the user namespace that has rights over it, where that is neither the
     *     process's own nor the host's
     */
    @Schema(name = "NamespaceLayer")
    record Namespace(long id, boolean isolated, @Nullable Long ownedBy) {

        private static Namespace of(Membership membership) {
            return new Namespace(membership.id(), membership.isolated(), membership.ownedBy());
        }
    }

    /**
     * @param mode of seccomp(2), in words
     * @param letsThrough dangerous system calls; null where the filter is another's and cannot be
     *     read
     */
    @Schema(name = "SeccompLayer")
    record Seccomp(String mode, int filters, @Nullable List<String> letsThrough) {

        private static Seccomp of(Facts.Seccomp seccomp) {
            return new Seccomp(seccomp.mode(), seccomp.filters(), seccomp.letsThrough());
        }
    }

    /**
     * @param memoryLimitBytes null without a limit, as are the others
     * @param openFilesLimit hard limit of the process
     */
    @Schema(name = "CgroupLayer")
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Cgroup(
            Map<String, String> paths,
            boolean writable,
            @Nullable Long memoryLimitBytes,
            @Nullable Long pidsLimit,
            @Nullable Long openFilesLimit) {

        private static @Nullable Cgroup of(Facts.@Nullable Resources resources) {
            return resources == null
                    ? null
                    : new Cgroup(
                            resources.cgroups(),
                            resources.writable(),
                            resources.memoryLimitBytes(),
                            resources.pidsLimit(),
                            resources.openFilesLimit());
        }
    }

    /** A door that is open, or that may be. */
    @Schema(name = "Finding")
    record FindingResponse(
            String id, Severity severity, String evidence, String attack, String remedy) {

        private static FindingResponse of(Finding finding) {
            return new FindingResponse(
                    finding.id(),
                    Severity.of(finding.severity()),
                    finding.evidence(),
                    finding.attack(),
                    finding.remedy());
        }
    }

    /** The worst first. */
    enum Severity {
        @JsonProperty("critical")
        CRITICAL,
        @JsonProperty("high")
        HIGH,
        @JsonProperty("medium")
        MEDIUM,
        @JsonProperty("low")
        LOW,
        @JsonProperty("info")
        INFO;

        private static Severity of(Finding.Severity severity) {
            return switch (severity) {
                case CRITICAL -> CRITICAL;
                case HIGH -> HIGH;
                case MEDIUM -> MEDIUM;
                case LOW -> LOW;
                case INFO -> INFO;
            };
        }
    }

    static AuditResponse of(Audit audit) {
        return new AuditResponse(
                audit.pid(),
                audit.command(),
                audit.sandbox(),
                Layers.of(audit.facts()),
                audit.facts().unknown(),
                audit.findings().stream().map(FindingResponse::of).toList());
    }
}

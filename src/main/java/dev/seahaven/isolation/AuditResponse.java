package dev.seahaven.isolation;

import com.fasterxml.jackson.annotation.JsonInclude;

import dev.seahaven.namespace.IdMapping;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/** The layers of isolation of one process, and the doors that are open. */
@Schema(name = "Audit")
record AuditResponse(
        @Schema(description = "The process that was looked at.") int pid,
        String command,
        @Nullable String sandbox,
        Layers layers,
        @Schema(description = "The worst first.") List<Finding> findings) {

    /**
     * @param uidMappings empty where the user namespace is the host's
     * @param capabilities decoded, by the names that {@code /proc/PID/status} has for the sets
     * @param lsmLabel of AppArmor or SELinux
     * @param landlock null where it cannot be told: the kernel shows it to nobody
     * @param writableMounts sensitive ones
     * @param engineSockets of container engines, that it can reach
     * @param devices of the host, besides the harmless ones
     * @param listening on the host's network
     */
    @Schema(name = "IsolationLayers")
    record Layers(
            Map<String, Namespace> namespaces,
            List<IdMapping> uidMappings,
            Map<String, List<String>> capabilities,
            Seccomp seccomp,
            boolean noNewPrivileges,
            @Nullable String lsmLabel,
            @Nullable Boolean landlock,
            Cgroup cgroup,
            List<String> writableMounts,
            List<String> openKernelPaths,
            List<String> engineSockets,
            List<String> devices,
            List<String> listening) {}

    /**
     * @param ownedBy the user namespace that has rights over it, where that is neither the
     *     process's own nor the host's
     */
    @Schema(name = "NamespaceLayer")
    record Namespace(long id, boolean isolated, @Nullable Long ownedBy) {}

    /**
     * @param mode of seccomp(2), in words
     * @param letsThrough dangerous system calls; null where the filter is another's and cannot be
     *     read
     */
    @Schema(name = "SeccompLayer")
    record Seccomp(String mode, int filters, @Nullable List<String> letsThrough) {}

    /**
     * @param memoryLimitBytes null without a limit, likewise {@code pidsLimit}
     * @param openFilesLimit hard limit of the process
     */
    @Schema(name = "CgroupLayer")
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Cgroup(
            Map<String, String> paths,
            boolean writable,
            @Nullable Long memoryLimitBytes,
            @Nullable Long pidsLimit,
            @Nullable Long openFilesLimit) {}
}

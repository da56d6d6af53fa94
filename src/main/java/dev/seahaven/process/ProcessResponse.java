package dev.seahaven.process;

import dev.seahaven.namespace.NamespaceService;
import dev.seahaven.namespace.PidTranslation;
import dev.seahaven.procfs.CgroupMembership;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/** A process as answered. */
@Schema(name = "Process")
record ProcessResponse(
        int pid,
        int parent,
        String command,
        List<String> commandLine,
        @Schema(description = "One letter, as in proc_pid_stat(5).") String state,
        @Schema(description = "When it started, in clock ticks since boot.") long startTicks,
        int threads,
        @Schema(description = "By type.") Map<String, Membership> namespaces,
        @Schema(description = "Its number in each pid namespace, from the host's down.")
                List<PidTranslation.Level> pids,
        @Schema(description = "Its effective ids in each user namespace, from the host's down.")
                List<NamespaceService.Ids> ids,
        @Nullable Capabilities capabilities,
        @Schema(description = "disabled, strict or filter.") @Nullable String seccomp,
        @Nullable Boolean noNewPrivileges,
        List<CgroupMembership> cgroups,
        @Schema(description = "False where the daemon may not look at it.") boolean readable) {

    /**
     * @param differs from that of process 1
     */
    @Schema(name = "NamespaceMembership")
    record Membership(long id, boolean differs) {}

    @Schema(name = "CapabilitySets")
    record Capabilities(
            List<String> inheritable,
            List<String> permitted,
            List<String> effective,
            List<String> bounding,
            List<String> ambient) {}

    /** As in lists. */
    @Schema(name = "ProcessSummary")
    record Summary(
            int pid,
            int parent,
            String command,
            List<PidTranslation.Level> pids,
            boolean readable) {}
}

package dev.seahaven.process.http;

import dev.seahaven.namespace.life.NamespaceViews;
import dev.seahaven.namespace.scan.Membership;
import dev.seahaven.namespace.view.PidTranslation;
import dev.seahaven.process.HostProcess;
import dev.seahaven.procfs.CgroupMembership;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A process as it is answered. */
@Schema(name = "Process")
record ProcessResponse(
        int pid,
        int parent,
        String command,
        List<String> commandLine,
        @Schema(description = "One letter, as in proc_pid_stat(5).") String state,
        @Schema(description = "When it started, in clock ticks since boot.") long startTicks,
        int threads,
        @Schema(description = "By type.") Map<String, MembershipResponse> namespaces,
        @Schema(description = "Its number in each pid namespace, from the host's down.")
                List<Level> pids,
        @Schema(description = "Its effective ids in each user namespace, from the host's down.")
                List<Ids> ids,
        @Nullable Capabilities capabilities,
        @Schema(description = "disabled, strict or filter.") @Nullable String seccomp,
        @Nullable Boolean noNewPrivileges,
        List<CgroupMembershipResponse> cgroups,
        @Schema(description = "False where the daemon may not look at it.") boolean readable) {

    /**
     * @param differs from that of process 1
     */
    @Schema(name = "NamespaceMembership")
    record MembershipResponse(long id, boolean differs) {}

    @Schema(name = "Level")
    record Level(long namespace, int pid) {

        private static List<Level> of(List<PidTranslation.Level> levels) {
            return levels.stream().map(level -> new Level(level.namespace(), level.pid())).toList();
        }
    }

    @Schema(name = "Ids")
    record Ids(long namespace, @Nullable Long uid, @Nullable Long gid) {

        private static Ids of(NamespaceViews.Ids ids) {
            return new Ids(ids.namespace(), ids.uid(), ids.gid());
        }
    }

    @Schema(name = "CapabilitySets")
    record Capabilities(
            List<String> inheritable,
            List<String> permitted,
            List<String> effective,
            List<String> bounding,
            List<String> ambient) {

        private static Capabilities of(HostProcess.Security security) {
            return new Capabilities(
                    security.inheritable(),
                    security.permitted(),
                    security.effective(),
                    security.bounding(),
                    security.ambient());
        }
    }

    @Schema(name = "CgroupMembership")
    record CgroupMembershipResponse(int hierarchy, String controllers, String path) {

        private static CgroupMembershipResponse of(CgroupMembership group) {
            return new CgroupMembershipResponse(
                    group.hierarchy(), group.controllers(), group.path());
        }
    }

    /** As in lists. */
    @Schema(name = "ProcessSummary")
    record Summary(int pid, int parent, String command, List<Level> pids, boolean readable) {

        static Summary of(HostProcess.Summary process) {
            return new Summary(
                    process.pid(),
                    process.parent(),
                    process.command(),
                    Level.of(process.pids()),
                    process.readable());
        }
    }

    static ProcessResponse of(HostProcess process) {
        HostProcess.Security security = process.security();
        Map<String, MembershipResponse> namespaces = new TreeMap<>();
        for (Membership each : process.namespaces()) {
            namespaces.put(
                    each.type().kernelName(), new MembershipResponse(each.id(), each.isolated()));
        }
        return new ProcessResponse(
                process.pid(),
                process.parent(),
                process.command(),
                process.commandLine(),
                process.state(),
                process.startTicks(),
                process.threads(),
                namespaces,
                Level.of(process.pids()),
                process.ids().stream().map(Ids::of).toList(),
                security == null ? null : Capabilities.of(security),
                security == null ? null : security.seccomp(),
                security == null ? null : security.noNewPrivileges(),
                process.cgroups().stream().map(CgroupMembershipResponse::of).toList(),
                process.readable());
    }
}

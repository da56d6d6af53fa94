package dev.seahaven.process;

import dev.seahaven.namespace.life.NamespaceViews;
import dev.seahaven.namespace.scan.Membership;
import dev.seahaven.namespace.view.PidTranslation;
import dev.seahaven.procfs.CgroupMembership;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * A process of the host.
 *
 * @param state one letter, as in proc_pid_stat(5)
 * @param startTicks when it started, in clock ticks since boot
 * @param namespaces as far as they can be seen
 * @param pids its number in each pid namespace, from the host's down
 * @param ids its effective ids in each user namespace, from the host's down
 * @param security null where the daemon may not look at it
 */
public record HostProcess(
        int pid,
        int parent,
        String command,
        List<String> commandLine,
        String state,
        long startTicks,
        int threads,
        List<Membership> namespaces,
        List<PidTranslation.Level> pids,
        List<NamespaceViews.Ids> ids,
        @Nullable Security security,
        List<CgroupMembership> cgroups) {

    /**
     * @param seccomp {@code disabled}, {@code strict} or {@code filter}
     */
    public record Security(
            List<String> inheritable,
            List<String> permitted,
            List<String> effective,
            List<String> bounding,
            List<String> ambient,
            @Nullable String seccomp,
            boolean noNewPrivileges) {}

    /** Whether the daemon may look at all of it. */
    public boolean readable() {
        return security != null;
    }

    /**
     * As in lists.
     *
     * @param readable whether its namespaces can be seen
     */
    public record Summary(
            int pid,
            int parent,
            String command,
            List<PidTranslation.Level> pids,
            boolean readable) {}
}

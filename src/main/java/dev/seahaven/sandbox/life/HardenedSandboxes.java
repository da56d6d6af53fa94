package dev.seahaven.sandbox.life;

import dev.seahaven.procfs.CgroupMembership;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.launch.HardeningPlanner;
import dev.seahaven.sandbox.launch.SandboxLauncher;
import dev.seahaven.sandbox.launch.Sharing;
import dev.seahaven.sandbox.root.RootSource;
import dev.seahaven.sandbox.spec.SandboxSpec;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What only the daemon knows of the running sandboxes, for audits that look at them from outside.
 */
public final class HardenedSandboxes {

    private final ProcRoot proc;
    private final SandboxRegistry registry;
    private final SandboxLauncher launches;
    private final HardeningPlanner hardening;

    HardenedSandboxes(
            ProcRoot proc,
            SandboxRegistry registry,
            SandboxLauncher launches,
            HardeningPlanner hardening) {
        this.proc = proc;
        this.registry = registry;
        this.launches = launches;
        this.hardening = hardening;
    }

    /**
     * One of them.
     *
     * @param commandPid of its command or, where that has ended, of its init
     * @param filter of its system calls; empty for none
     * @param processes all of it, init among them
     * @param landlock whether Landlock restricts anything
     * @param landlockOfFiles whether it restricts files
     * @param diskLimited whether its writable layer, if there is one, has a size
     * @param sharesWith ids of the sandboxes that have a namespace in common with it
     */
    public record Hardened(
            String id,
            int commandPid,
            List<Integer> processes,
            boolean privileged,
            byte[] filter,
            boolean landlock,
            boolean landlockOfFiles,
            boolean diskLimited,
            List<String> sharesWith) {}

    /**
     * @throws Problem 404 where there is none, 409 where it does not run
     */
    public Hardened get(String reference) {
        return of(registry.get(reference));
    }

    /**
     * The sandbox that a process belongs to. Its cgroup tells, and not its pid namespace: sandboxes
     * may share one, and others can enter it.
     */
    public Optional<Hardened> withProcess(int pid) {
        Set<String> groups =
                CgroupMembership.parse(proc.read(pid + "/cgroup").orElse("")).stream()
                        .map(CgroupMembership::path)
                        .collect(Collectors.toSet());
        return registry.all().stream()
                .filter(sandbox -> sandbox.state().pid() != null)
                .filter(sandbox -> isIn(launches.cgroup(sandbox.id()).path(), groups))
                .findFirst()
                .map(this::of);
    }

    private static boolean isIn(String group, Set<String> groups) {
        return groups.stream().anyMatch(each -> each.equals(group) || each.startsWith(group + "/"));
    }

    private Hardened of(Sandbox sandbox) {
        SandboxSpec spec = sandbox.spec();
        Integer pid = sandbox.state().pid();
        if (pid == null) {
            throw SandboxCommands.wrongState(sandbox, "audited; start it first");
        }
        return new Hardened(
                sandbox.id().value(),
                spec.init() ? commandOf(pid) : pid,
                launches.cgroup(sandbox.id()).processes(),
                spec.security().privileged(),
                hardening.filter(spec),
                spec.security().restrictsWithLandlock(),
                spec.security().restrictsFilesWithLandlock(),
                !RootSource.isOnDisk(spec) || RootSource.isReadOnly(spec),
                partners(sandbox));
    }

    private List<String> partners(Sandbox sandbox) {
        return Stream.concat(
                        Sharing.references(sandbox.spec()).keySet().stream()
                                .map(registry::lookUp)
                                .flatMap(Optional::stream),
                        registry.sharersOf(sandbox).stream())
                .map(other -> other.id().value())
                .distinct()
                .sorted()
                .toList();
    }

    /** Init's first child that is still there. */
    private int commandOf(int init) {
        return proc.read(init + "/task/" + init + "/children")
                .map(text -> text.trim().split(" ")[0])
                .filter(text -> !text.isEmpty())
                .map(Integer::parseInt)
                .orElse(init);
    }
}

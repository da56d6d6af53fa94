package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.names.NamespaceRegistry;
import dev.seahaven.namespace.scan.HostNamespace.Leader;
import dev.seahaven.namespace.scan.HostNamespace.Manager;
import dev.seahaven.procfs.ProcRoot;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Tells who made a namespace, by what can be seen: names, mounts, cgroups, commands. For one
 * request: it looks at each process once.
 */
public final class ManagerRecognition {

    /** What the path of a cgroup holds, and whose it then is; the first that fits counts. */
    private static final List<String[]> CGROUPS =
            List.of(
                    new String[] {"libpod-", "podman"},
                    new String[] {"/kubepods", "kubernetes"},
                    new String[] {"/docker", "docker"},
                    new String[] {"docker-", "docker"},
                    new String[] {"lxc.payload", "lxc"},
                    new String[] {"/lxc/", "lxc"},
                    new String[] {"/machine.slice", "systemd-nspawn"},
                    new String[] {".service", "systemd"});

    private static final Set<String> BROWSERS =
            Set.of(
                    "chrome",
                    "chromium",
                    "firefox",
                    "firefox-esr",
                    "Web Content",
                    "brave",
                    "msedge");

    private final long ownPid = ProcessHandle.current().pid();
    private final ProcRoot proc;
    private final Map<Leader, Optional<Manager>> seen = new HashMap<>();

    public ManagerRecognition(ProcRoot proc) {
        this.proc = proc;
    }

    /**
     * @param ours whether a name of it was made by this daemon
     */
    public @Nullable Manager of(HostNamespace namespace, boolean ours) {
        if (namespace.sandbox() != null) {
            return new Manager("seahaven", "sandbox " + namespace.sandbox());
        }
        NamespaceRegistry.Name name = namespace.name();
        if (name != null) {
            return new Manager(
                    ours || name.type() != NamespaceType.NET ? "seahaven" : "ip netns",
                    "bound at " + name.path());
        }
        for (Holder holder : namespace.holders()) {
            if (holder instanceof Holder.Descriptor descriptor && descriptor.pid() == ownPid) {
                return new Manager("seahaven", "kept ready by descriptor " + descriptor.fd());
            }
            if (holder instanceof Holder.Mount mount
                    && mount.mountPoint().contains("/docker/netns/")) {
                return new Manager("docker", "bound at " + mount.mountPoint());
            }
        }
        Leader leader = namespace.leader();
        return leader == null
                ? null
                : seen.computeIfAbsent(leader, each -> Optional.ofNullable(byLeader(each)))
                        .orElse(null);
    }

    private @Nullable Manager byLeader(Leader leader) {
        if (leader.command().startsWith("seahaven-")) {
            return new Manager("seahaven", "command " + leader.command());
        }
        if (BROWSERS.contains(leader.command())) {
            return new Manager("browser", "command " + leader.command());
        }
        String cgroups = proc.read(leader.pid() + "/cgroup").orElse("");
        for (String[] each : CGROUPS) {
            for (String line : ProcRoot.lines(cgroups).toList()) {
                String path = line.substring(line.lastIndexOf(':') + 1);
                if (path.contains(each[0])) {
                    return new Manager(each[1], "cgroup " + path + " of process " + leader.pid());
                }
            }
        }
        return null;
    }
}

package dev.seahaven.sandbox.spec;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.syscall.Signal;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A sandbox as it was asked for, checked, with every default filled in.
 *
 * @param rootfs null: the host's own root
 * @param user as it was asked for
 * @param hostname null where the uts namespace is not its own
 */
public record SandboxSpec(
        @Nullable String name,
        Map<String, String> labels,
        @Nullable Rootfs rootfs,
        List<String> command,
        Map<String, String> env,
        String workingDirectory,
        String user,
        @Nullable String hostname,
        boolean init,
        Namespaces namespaces,
        Network network,
        SandboxLimits limits,
        Security security,
        Signal stopSignal,
        @Nullable Double timeoutSeconds,
        boolean start) {

    public record Rootfs(String path, boolean ephemeral, boolean readOnly) {}

    public record Namespaces(
            Member pid, Member mount, Member uts, Member ipc, Member cgroup, User user, Time time) {

        /** The member of each type but net. */
        Member of(NamespaceType type) {
            return switch (type) {
                case PID -> pid;
                case MNT -> mount;
                case UTS -> uts;
                case IPC -> ipc;
                case CGROUP -> cgroup;
                case USER -> user.mode;
                case TIME -> time.mode;
                case NET -> throw new IllegalArgumentException("see network");
            };
        }
    }

    /** Empty mappings of a new one are filled in when the sandbox is given its ids. */
    public record User(Member mode, List<IdMapping> uidMappings, List<IdMapping> gidMappings) {}

    public record Time(Member mode, long monotonicOffsetSeconds, long boottimeOffsetSeconds) {}

    public enum NetworkMode {
        NONE,
        HOST,
        SANDBOX,
        NAMESPACE
    }

    /**
     * @param join what the modes SANDBOX and NAMESPACE share
     */
    public record Network(NetworkMode mode, @Nullable String join) {
        public Member member() {
            return switch (mode) {
                case NONE -> new Member.New();
                case HOST -> new Member.Host();
                case SANDBOX -> new Member.OfSandbox(String.valueOf(join));
                case NAMESPACE -> new Member.OfNamespace(String.valueOf(join));
            };
        }
    }

    public Member member(NamespaceType type) {
        return type == NamespaceType.NET ? network.member() : namespaces.of(type);
    }

    public boolean isNew(NamespaceType type) {
        return member(type) instanceof Member.New;
    }

    public @Nullable Duration timeout() {
        return ProgramRules.duration(timeoutSeconds);
    }

    public SandboxSpec withMappings(List<IdMapping> uids, List<IdMapping> gids) {
        Namespaces n = namespaces;
        Namespaces mapped =
                new Namespaces(
                        n.pid,
                        n.mount,
                        n.uts,
                        n.ipc,
                        n.cgroup,
                        new User(n.user.mode, uids, gids),
                        n.time);
        return copy(name, labels, mapped, limits);
    }

    public SandboxSpec with(
            @Nullable String otherName, Map<String, String> otherLabels, SandboxLimits others) {
        return copy(otherName, otherLabels, namespaces, others);
    }

    private SandboxSpec copy(
            @Nullable String otherName,
            Map<String, String> otherLabels,
            Namespaces otherNamespaces,
            SandboxLimits others) {
        return new SandboxSpec(
                otherName,
                otherLabels,
                rootfs,
                command,
                env,
                workingDirectory,
                user,
                hostname,
                init,
                otherNamespaces,
                network,
                others,
                security,
                stopSignal,
                timeoutSeconds,
                start);
    }
}

package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.IoRate;
import dev.seahaven.cgroup.Limits;
import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.ids.IdMapping;
import dev.seahaven.sandbox.spec.Member;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxLimits;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.sandbox.spec.Security;
import dev.seahaven.seccomp.SeccompProfile;
import dev.seahaven.store.DocumentKind;
import dev.seahaven.syscall.Capability;
import dev.seahaven.syscall.Signal;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.node.ObjectNode;

import java.time.Instant;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A sandbox as it lies on disk. Its form changes only together with the version of {@link #KIND}:
 * what a daemon has stored, each later one reads.
 *
 * @param restarts how often it was started again
 * @param failure how the last start failed to execute the command; only in documents of version 1,
 *     {@link StoredEnd} has it now
 * @param paused whether it was paused when this was written; null in documents of version 1
 */
record StoredSandbox(
        String id,
        Instant createdAt,
        Spec spec,
        int restarts,
        @Nullable Failure failure,
        @Nullable Boolean paused) {

    /**
     * Version 1 has no member {@code version}, and is otherwise the same; version 2 has no {@code
     * shmBytes}.
     */
    static final DocumentKind<StoredSandbox> KIND =
            new DocumentKind<>(
                    "sandbox",
                    StoredSandbox.class,
                    List.of(version1 -> version1, StoredSandbox::withShm));

    private static ObjectNode withShm(ObjectNode version2) {
        if (version2.path("spec").path("limits") instanceof ObjectNode limits) {
            limits.put("shmBytes", 64L << 20);
        }
        return version2;
    }

    record Spec(
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
            StoredLimits limits,
            StoredSecurity security,
            String stopSignal,
            @Nullable Double timeoutSeconds,
            boolean start) {}

    record Rootfs(String path, boolean ephemeral, boolean readOnly) {}

    record Namespaces(
            String pid,
            String mount,
            String uts,
            String ipc,
            String cgroup,
            User user,
            Time time) {}

    record User(String mode, List<Range> uidMappings, List<Range> gidMappings) {}

    record Range(long inside, long outside, long length) {}

    record Time(String mode, long monotonicOffsetSeconds, long boottimeOffsetSeconds) {}

    record Network(String mode, @Nullable String join) {}

    record StoredLimits(
            @Nullable Long memoryBytes,
            @Nullable Long swapBytes,
            @Nullable Double cpus,
            @Nullable String cpuset,
            @Nullable Integer pids,
            @Nullable Integer ioWeight,
            List<IoRate> io,
            Map<String, Long> hugepageBytes,
            @Nullable Long diskBytes,
            long shmBytes,
            int openFiles,
            Map<String, Long> rlimits) {}

    record StoredSecurity(
            boolean privileged,
            Capabilities capabilities,
            boolean noNewPrivileges,
            String seccomp,
            @Nullable SeccompProfile profile,
            @Nullable String apparmor,
            @Nullable String selinux,
            List<String> maskedPaths,
            List<String> readOnlyPaths,
            Map<String, String> sysctls,
            List<Device> devices,
            @Nullable Landlock landlock) {}

    record Capabilities(List<String> add, List<String> drop, List<String> ambient) {}

    record Device(String path, String permissions) {}

    record Landlock(
            @Nullable List<String> read,
            @Nullable List<String> write,
            @Nullable List<Integer> connectPorts,
            @Nullable List<Integer> bindPorts) {}

    record Failure(
            @Nullable Integer exitCode,
            @Nullable String signal,
            String reason,
            Instant finishedAt,
            Counters evidence) {}

    record Counters(long oomKills, long pidsRefused) {}

    // ---------------------------------------------------------------- to the document

    static StoredSandbox of(Sandbox sandbox, SandboxSpec spec) {
        return new StoredSandbox(
                sandbox.id().value(),
                sandbox.createdAt(),
                spec(spec),
                sandbox.state().restarts(),
                null,
                sandbox.state().status() == SandboxState.Status.PAUSED);
    }

    private static Spec spec(SandboxSpec spec) {
        SandboxSpec.Namespaces n = spec.namespaces();
        SandboxSpec.Rootfs rootfs = spec.rootfs();
        return new Spec(
                spec.name(),
                spec.labels(),
                rootfs == null
                        ? null
                        : new Rootfs(rootfs.path(), rootfs.ephemeral(), rootfs.readOnly()),
                spec.command(),
                spec.env(),
                spec.workingDirectory(),
                spec.user(),
                spec.hostname(),
                spec.init(),
                new Namespaces(
                        n.pid().text(),
                        n.mount().text(),
                        n.uts().text(),
                        n.ipc().text(),
                        n.cgroup().text(),
                        new User(
                                n.user().mode().text(),
                                ranges(n.user().uidMappings()),
                                ranges(n.user().gidMappings())),
                        new Time(
                                n.time().mode().text(),
                                n.time().monotonicOffsetSeconds(),
                                n.time().boottimeOffsetSeconds())),
                new Network(spec.network().mode().name(), spec.network().join()),
                limits(spec.limits()),
                security(spec.security()),
                spec.stopSignal().name(),
                spec.timeoutSeconds(),
                spec.start());
    }

    private static List<Range> ranges(List<IdMapping> mappings) {
        return mappings.stream()
                .map(each -> new Range(each.inside(), each.outside(), each.length()))
                .toList();
    }

    private static StoredLimits limits(SandboxLimits limits) {
        Limits group = limits.group();
        return new StoredLimits(
                group.get(Limits.MEMORY_BYTES),
                group.get(Limits.SWAP_BYTES),
                group.get(Limits.CPUS),
                group.get(Limits.CPUSET),
                group.get(Limits.PIDS),
                group.get(Limits.IO_WEIGHT),
                Objects.requireNonNullElse(group.get(Limits.IO), List.of()),
                Objects.requireNonNullElse(group.get(Limits.HUGEPAGE_BYTES), Map.of()),
                limits.diskBytes(),
                limits.shmBytes(),
                limits.openFiles(),
                limits.rlimits());
    }

    private static StoredSecurity security(Security security) {
        Security.CapabilityChanges capabilities = security.capabilities();
        Security.Landlock landlock = security.landlock();
        return new StoredSecurity(
                security.privileged(),
                new Capabilities(
                        names(capabilities.add()),
                        names(capabilities.drop()),
                        names(capabilities.ambient())),
                security.noNewPrivileges(),
                security.seccomp().name(),
                security.profile(),
                security.apparmor(),
                security.selinux(),
                security.maskedPaths(),
                security.readOnlyPaths(),
                security.sysctls(),
                security.devices().stream()
                        .map(each -> new Device(each.path(), each.permissions()))
                        .toList(),
                landlock == null
                        ? null
                        : new Landlock(
                                landlock.read(),
                                landlock.write(),
                                landlock.connectPorts(),
                                landlock.bindPorts()));
    }

    private static List<String> names(Collection<Capability> capabilities) {
        return capabilities.stream().map(Enum::name).toList();
    }

    // ---------------------------------------------------------------- from the document

    SandboxId sandboxId() {
        return new SandboxId(id);
    }

    /** How the last start failed to execute the command; null when it did not. */
    @Nullable Exit failed() {
        return failure == null
                ? null
                : new Exit(
                        failure.exitCode,
                        failure.signal,
                        Exit.Reason.of(failure.reason),
                        failure.finishedAt,
                        new Evidence(failure.evidence.oomKills, failure.evidence.pidsRefused));
    }

    SandboxSpec specification() {
        Namespaces n = spec.namespaces;
        return new SandboxSpec(
                spec.name,
                spec.labels,
                spec.rootfs == null
                        ? null
                        : new SandboxSpec.Rootfs(
                                spec.rootfs.path, spec.rootfs.ephemeral, spec.rootfs.readOnly),
                spec.command,
                spec.env,
                spec.workingDirectory,
                spec.user,
                spec.hostname,
                spec.init,
                new SandboxSpec.Namespaces(
                        Member.parse(n.pid),
                        Member.parse(n.mount),
                        Member.parse(n.uts),
                        Member.parse(n.ipc),
                        Member.parse(n.cgroup),
                        new SandboxSpec.User(
                                Member.parse(n.user.mode),
                                mappings(n.user.uidMappings),
                                mappings(n.user.gidMappings)),
                        new SandboxSpec.Time(
                                Member.parse(n.time.mode),
                                n.time.monotonicOffsetSeconds,
                                n.time.boottimeOffsetSeconds)),
                new SandboxSpec.Network(
                        SandboxSpec.NetworkMode.valueOf(spec.network.mode), spec.network.join),
                sandboxLimits(),
                sandboxSecurity(),
                Signal.parse(spec.stopSignal).orElseThrow(),
                spec.timeoutSeconds,
                spec.start);
    }

    private static List<IdMapping> mappings(List<Range> ranges) {
        return ranges.stream()
                .map(each -> new IdMapping(each.inside, each.outside, each.length))
                .toList();
    }

    private SandboxLimits sandboxLimits() {
        StoredLimits stored = spec.limits;
        return new SandboxLimits(
                Limits.NONE
                        .with(Limits.MEMORY_BYTES, stored.memoryBytes)
                        .with(Limits.SWAP_BYTES, stored.swapBytes)
                        .with(Limits.CPUS, stored.cpus)
                        .with(Limits.CPUSET, stored.cpuset)
                        .with(Limits.PIDS, stored.pids)
                        .with(Limits.IO_WEIGHT, stored.ioWeight)
                        .with(Limits.IO, stored.io)
                        .with(Limits.HUGEPAGE_BYTES, stored.hugepageBytes),
                stored.diskBytes,
                stored.shmBytes,
                stored.openFiles,
                stored.rlimits);
    }

    private Security sandboxSecurity() {
        StoredSecurity stored = spec.security;
        Landlock landlock = stored.landlock;
        return new Security(
                stored.privileged,
                new Security.CapabilityChanges(
                        capabilities(stored.capabilities.add),
                        capabilities(stored.capabilities.drop),
                        capabilities(stored.capabilities.ambient)),
                stored.noNewPrivileges,
                Security.SeccompMode.valueOf(stored.seccomp),
                stored.profile,
                stored.apparmor,
                stored.selinux,
                stored.maskedPaths,
                stored.readOnlyPaths,
                stored.sysctls,
                stored.devices.stream()
                        .map(each -> new Security.Device(each.path, each.permissions))
                        .toList(),
                landlock == null
                        ? null
                        : new Security.Landlock(
                                landlock.read,
                                landlock.write,
                                landlock.connectPorts,
                                landlock.bindPorts));
    }

    private static Set<Capability> capabilities(List<String> names) {
        Set<Capability> set = EnumSet.noneOf(Capability.class);
        names.forEach(name -> set.add(Capability.valueOf(name)));
        return set;
    }
}

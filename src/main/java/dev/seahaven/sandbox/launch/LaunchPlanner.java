package dev.seahaven.sandbox.launch;

import dev.seahaven.ids.Accounts;
import dev.seahaven.ids.IdMapping;
import dev.seahaven.ids.Mappings;
import dev.seahaven.launcher.LaunchKind;
import dev.seahaven.launcher.LaunchPlan;
import dev.seahaven.launcher.LaunchPlan.Attachment;
import dev.seahaven.launcher.LaunchPlan.Credentials;
import dev.seahaven.launcher.LaunchPlan.Descriptors;
import dev.seahaven.launcher.LaunchPlan.Device;
import dev.seahaven.launcher.LaunchPlan.Flag;
import dev.seahaven.launcher.LaunchPlan.Hardening;
import dev.seahaven.launcher.LaunchPlan.Join;
import dev.seahaven.launcher.LaunchPlan.Limits;
import dev.seahaven.launcher.LaunchPlan.Maps;
import dev.seahaven.launcher.LaunchPlan.Prepared;
import dev.seahaven.launcher.LaunchPlan.Program;
import dev.seahaven.launcher.LaunchPlan.Root;
import dev.seahaven.launcher.LaunchPlan.RootKind;
import dev.seahaven.launcher.LaunchPlan.TimeOffsets;
import dev.seahaven.mount.RootDefaults;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.sandbox.root.RootSource;
import dev.seahaven.sandbox.spec.Member;
import dev.seahaven.sandbox.spec.ProgramRules;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxSettings;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.sandbox.spec.Security;
import dev.seahaven.syscall.Capability;
import dev.seahaven.syscall.CloneFlag;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Plans of launches, from a specification and what was claimed for it. Pure. */
final class LaunchPlanner {

    private static final long TTY_GROUP = 5;
    private static final List<Prepared> OVER_HOST =
            RootDefaults.OVER_HOST.stream()
                    .map(each -> Prepared.directory(each.path(), each.mode(), each.opaque()))
                    .toList();

    /**
     * What a launch was given.
     *
     * @param hostNetwork whether it will be in the host's network namespace
     * @param etc files of {@code /etc} over the host's
     * @param kind a sandbox that is kept, or a run
     */
    record Claimed(
            SandboxId id,
            Descriptors descriptors,
            List<Join> joins,
            List<Attachment> attachments,
            List<Device> devices,
            Mappings mappings,
            Accounts.Identity identity,
            boolean idMappedRoot,
            boolean hostNetwork,
            List<Prepared> etc,
            LaunchKind kind) {}

    private final SandboxSettings settings;
    private final HardeningPlanner hardening;
    private final List<String> masked;
    private final long ownCapabilities;

    /**
     * @param ownCapabilities that the daemon may pass on, as a mask
     */
    LaunchPlanner(SandboxSettings settings, HardeningPlanner hardening, long ownCapabilities) {
        this.ownCapabilities = ownCapabilities;
        this.settings = settings;
        this.hardening = hardening;
        this.masked = RootDefaults.masked(settings.processors());
    }

    /** A plan, and the members of the request that its items follow from. */
    record Planned(LaunchPlan plan, PlanMembers members) {}

    Planned plan(SandboxSpec spec, Claimed claimed) {
        Hardening hardened = hardening.plan(spec, claimed.mappings(), claimed.hostNetwork());
        return new Planned(plan(spec, claimed, hardened), members(spec, claimed, hardened));
    }

    private PlanMembers members(SandboxSpec spec, Claimed claimed, Hardening hardened) {
        boolean covers = RootSource.kind(spec) != RootKind.NONE;
        Security security = spec.security();
        boolean usual = !security.privileged();
        return new PlanMembers(
                hardening.rlimitMembers(spec),
                hardening.sysctlMembers(spec, hardened),
                covers
                        ? Stream.of(
                                        PlanMembers.nobodys(usual ? masked.size() : 0),
                                        PlanMembers.numbered(
                                                "security.maskedPaths", security.maskedPaths()),
                                        PlanMembers.nobodys(
                                                usual ? RootDefaults.READ_ONLY.size() : 0),
                                        PlanMembers.numbered(
                                                "security.readOnlyPaths", security.readOnlyPaths()))
                                .<@Nullable String>flatMap(List::stream)
                                .toList()
                        : List.of(),
                hardening.landlockMembers(security),
                Stream.concat(
                                PlanMembers.nobodys(claimed.attachments().size()).stream(),
                                PlanMembers.numbered("security.devices", claimed.devices())
                                        .stream())
                        .toList());
    }

    private LaunchPlan plan(SandboxSpec spec, Claimed claimed, Hardening hardened) {
        RootKind kind = RootSource.kind(spec);
        boolean rootOfOwn = kind != RootKind.NONE;
        return new LaunchPlan(
                claimed.kind(),
                flags(spec, claimed, rootOfOwn),
                newNamespaces(spec),
                claimed.joins(),
                claimed.descriptors(),
                root(spec, claimed, kind),
                maps(spec, claimed.mappings()),
                new TimeOffsets(
                        spec.namespaces().time().monotonicOffsetSeconds(),
                        spec.namespaces().time().boottimeOffsetSeconds()),
                credentials(spec, claimed.identity()),
                new Limits(
                        spec.timeout(),
                        settings.logLimitBytes(),
                        settings.captureLimitBytes(),
                        spec.limits().shmBytes()),
                hardened,
                claimed.attachments(),
                claimed.devices(),
                rootOfOwn ? with(masked, spec, spec.security().maskedPaths()) : List.of(),
                rootOfOwn
                        ? with(RootDefaults.READ_ONLY, spec, spec.security().readOnlyPaths())
                        : List.of(),
                hostname(spec, claimed.id()),
                new Program(spec.command(), environment(spec, claimed), spec.workingDirectory()));
    }

    /**
     * A program that is in all namespaces of a sandbox that runs, and behind the same walls.
     *
     * @param flags that it has beside those of the sandbox
     */
    LaunchPlan program(
            LaunchKind kind,
            Set<Flag> flags,
            SandboxSpec spec,
            Joined joined,
            Descriptors descriptors,
            Accounts.Identity identity,
            Limits limits,
            Program program) {
        Set<Flag> all = EnumSet.of(Flag.FIRST_KILLED, Flag.PID_SHARED);
        all.addAll(flags);
        add(all, Flag.NO_NEW_PRIVS, spec.security().noNewPrivileges());
        Hardening hardened = hardening.plan(spec, joined.mappings(), joined.hostNetwork());
        return LaunchPlan.withoutRoot(
                kind,
                all,
                EnumSet.noneOf(CloneFlag.class),
                joined.joins(),
                descriptors,
                new Maps("", ""),
                new TimeOffsets(0, 0),
                credentials(spec, identity),
                limits,
                hardened.withoutSysctls(),
                List.of(),
                program);
    }

    /** The namespaces of a sandbox that runs, and whose network is in them. */
    record Joined(List<Join> joins, Mappings mappings, boolean hostNetwork) {}

    private static List<String> with(List<String> usual, SandboxSpec spec, List<String> more) {
        if (spec.security().privileged()) {
            return more;
        }
        return more.isEmpty() ? usual : Stream.concat(usual.stream(), more.stream()).toList();
    }

    private static Set<Flag> flags(SandboxSpec spec, Claimed claimed, boolean rootOfOwn) {
        Set<Flag> flags = EnumSet.noneOf(Flag.class);
        flags.add(Flag.FIRST_KILLED);
        add(flags, Flag.NO_NEW_PRIVS, spec.security().noNewPrivileges());
        add(flags, Flag.SYSFS_WRITABLE, spec.security().privileged());
        add(flags, Flag.INIT, spec.init());
        add(flags, Flag.CGROUP_NS, spec.isNew(NamespaceType.CGROUP));
        add(flags, Flag.TIME_NS, spec.isNew(NamespaceType.TIME));
        add(flags, Flag.LOOPBACK, spec.isNew(NamespaceType.NET));
        add(flags, Flag.PID_SHARED, !spec.isNew(NamespaceType.PID));
        if (rootOfOwn) {
            flags.addAll(EnumSet.of(Flag.PROC, Flag.SYSFS, Flag.MQUEUE));
            add(flags, Flag.PTS_GID_5, Mappings.maps(claimed.mappings().gids(), TTY_GROUP));
        }
        return flags;
    }

    private static void add(Set<Flag> flags, Flag flag, boolean wanted) {
        if (wanted) {
            flags.add(flag);
        }
    }

    private static Set<CloneFlag> newNamespaces(SandboxSpec spec) {
        Set<CloneFlag> flags = EnumSet.noneOf(CloneFlag.class);
        for (NamespaceType type : NamespaceType.values()) {
            boolean byClone = type != NamespaceType.CGROUP && type != NamespaceType.TIME;
            if (byClone && spec.isNew(type)) {
                flags.add(type.flag());
            }
        }
        return flags;
    }

    private Root root(SandboxSpec spec, Claimed claimed, RootKind kind) {
        boolean readOnly = RootSource.isReadOnly(spec);
        boolean prepared = kind == RootKind.OVERLAY && RootSource.isHostRoot(spec);
        return new Root(
                kind,
                claimed.idMappedRoot(),
                readOnly,
                claimed.mappings().rootUid(),
                claimed.mappings().rootGid(),
                spec.limits().diskBytes() == null
                        ? settings.scratchBytes()
                        : spec.limits().diskBytes(),
                prepared ? with(OVER_HOST, claimed) : List.of());
    }

    private static List<Prepared> with(List<Prepared> directories, Claimed claimed) {
        return Stream.concat(directories.stream(), claimed.etc().stream()).toList();
    }

    private static Maps maps(SandboxSpec spec, Mappings mappings) {
        return spec.isNew(NamespaceType.USER)
                ? new Maps(IdMapping.text(mappings.uids()), IdMapping.text(mappings.gids()))
                : new Maps("", "");
    }

    private Credentials credentials(SandboxSpec spec, Accounts.Identity identity) {
        Security security = spec.security();
        return new Credentials(
                (int) identity.uid(),
                (int) identity.gid(),
                identity.groups().stream().map(Long::intValue).toList(),
                mask(spec, security.capabilitySet()),
                mask(security.capabilities().ambient()));
    }

    /** In the host's user namespace, all are those that the daemon has. */
    private long mask(SandboxSpec spec, Set<Capability> capabilities) {
        long mask = mask(capabilities);
        boolean all = capabilities.size() == Capability.values().length;
        boolean hosts = spec.namespaces().user().mode() instanceof Member.Host;
        return all && hosts ? mask & ownCapabilities : mask;
    }

    private static long mask(Set<Capability> capabilities) {
        return capabilities.stream().mapToLong(Capability::mask).sum();
    }

    static @Nullable String hostname(SandboxSpec spec, SandboxId id) {
        if (!spec.isNew(NamespaceType.UTS)) {
            return null;
        }
        return spec.hostname() == null ? id.value() : spec.hostname();
    }

    private static List<String> environment(SandboxSpec spec, Claimed claimed) {
        Map<String, String> variables = new TreeMap<>();
        variables.put("PATH", ProgramRules.DEFAULT_PATH);
        variables.put("HOME", claimed.identity().home());
        variables.putAll(spec.env());
        List<String> environment = new ArrayList<>(variables.size());
        variables.forEach((name, value) -> environment.add(name + "=" + value));
        return environment;
    }
}

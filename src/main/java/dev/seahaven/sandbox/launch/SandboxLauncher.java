package dev.seahaven.sandbox.launch;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.ProcessGroup;
import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.claim.Claims;
import dev.seahaven.ids.Accounts;
import dev.seahaven.ids.HostAccounts;
import dev.seahaven.ids.IdMapping;
import dev.seahaven.ids.IdRanges;
import dev.seahaven.ids.Mappings;
import dev.seahaven.ids.UnknownAccountException;
import dev.seahaven.launcher.Launch;
import dev.seahaven.launcher.LaunchKind;
import dev.seahaven.launcher.LaunchPlan;
import dev.seahaven.launcher.LaunchPlan.Attachment;
import dev.seahaven.launcher.LaunchPlan.Descriptors;
import dev.seahaven.launcher.LaunchPlan.Flag;
import dev.seahaven.launcher.LaunchPlan.Join;
import dev.seahaven.launcher.LaunchPlan.RootKind;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.launcher.LauncherException;
import dev.seahaven.launcher.Report;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.sandbox.root.NameFiles;
import dev.seahaven.sandbox.root.RootSource;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxSettings;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.sandbox.spec.Security;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Takes one sandbox the way from its specification to the launcher: ids, cgroup, namespaces,
 * layers, plan.
 */
public final class SandboxLauncher implements AutoCloseable {

    private final Syscalls syscalls;
    private final Launcher launcher;
    private final Cgroups cgroups;
    private final LaunchPlanner planner;
    private final RootSource roots;
    private final NameFiles names;
    private final ShownGroups groups;
    private final Sharing sharing;
    private final LaunchFailures failures;
    private final IdRanges ids;
    private final HostAccounts host = new HostAccounts();

    public SandboxLauncher(
            Syscalls syscalls,
            ProcRoot proc,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder namespaces,
            Partners partners,
            SandboxSettings settings,
            HardeningPlanner hardening) {
        this.syscalls = syscalls;
        this.launcher = launcher;
        this.cgroups = cgroups;
        this.planner = new LaunchPlanner(settings, hardening, ProcStatus.own(proc).hex("CapPrm"));
        this.names = new NameFiles(syscalls);
        this.groups = new ShownGroups(syscalls, cgroups, settings.runDirectory());
        this.roots = new RootSource(syscalls, proc, settings);
        this.sharing = new Sharing(syscalls, proc, namespaces, partners);
        this.failures = new LaunchFailures(roots::fileSystem);
        this.ids = new IdRanges(settings.firstId(), host.idsInUse());
    }

    /** Makes what launches need in the daemon's own directories. */
    public void prepare() {
        groups.prepare();
    }

    @Override
    public void close() {
        roots.close();
    }

    public IdRanges ids() {
        return ids;
    }

    /** Fills in what the host decides: checks the root, and gives a new user namespace its ids. */
    public SandboxSpec claimIds(SandboxSpec spec, Claims claims) {
        roots.check(spec);
        if (host.refresh()) {
            ids.avoid(host.idsInUse());
        }
        if (!spec.isNew(NamespaceType.USER)) {
            return spec;
        }
        List<IdMapping> uids = spec.namespaces().user().uidMappings();
        List<IdMapping> gids = spec.namespaces().user().gidMappings();
        if (uids.isEmpty()) {
            List<IdMapping> own =
                    List.of(
                            new IdMapping(
                                    0,
                                    ids.take().orElseThrow(SandboxLauncher::noIdsLeft),
                                    IdMapping.RANGE));
            claims.add(() -> ids.giveBack(own));
            return spec.withMappings(own, own);
        }
        List<IdMapping> both = Stream.concat(uids.stream(), gids.stream()).toList();
        if (!ids.take(both)) {
            throw Problem.invalid(
                    "namespaces.user.uidMappings",
                    "overlaps the ids of another sandbox; share its user namespace with"
                            + " \"sandbox:NAME\"");
        }
        claims.add(() -> ids.giveBack(both));
        return spec;
    }

    /** All ranges are given away. */
    private static Problem noIdsLeft() {
        return new Problem(ProblemType.EXHAUSTED, "All id ranges are in use; delete sandboxes.");
    }

    /** What a sandbox that is kept has in files; all null for a run, but stdin. */
    public record Files(
            @Nullable Fd stdin,
            @Nullable Fd layers,
            @Nullable Fd log,
            @Nullable Fd run,
            @Nullable Fd state) {}

    /** A launch that was sent; {@code mappings} are those of its user namespace. */
    public record Sent(Launch launch, Mappings mappings, Cgroup cgroup, PlanMembers members) {}

    /**
     * Claims what a life needs and sends the plan. The cgroup is added to {@code claims}, which
     * outlive this call; every descriptor is closed at its end.
     */
    public Sent send(
            SandboxId id,
            SandboxSpec spec,
            Files files,
            LaunchKind kind,
            Claims claims,
            Consumer<Report> listener) {
        Cgroup cgroup = claimGroup(id, spec, kind, claims);
        try (Claims descriptors = new Claims()) {
            Devices.Opened devices = Devices.open(syscalls, spec.security(), descriptors);
            limit(cgroup, spec, devices, kind);
            ProcessGroup.Entry entry = descriptors.opened(cgroup.enter());
            Opened opened = open(spec, descriptors);
            List<Attachment> attachments = new ArrayList<>(opened.attachments);
            if (RootSource.kind(spec) != RootKind.NONE) {
                groups.of(cgroup)
                        .forEach(
                                each ->
                                        attachments.add(
                                                attachment(each.of(), each.target(), descriptors)));
            }
            boolean hostNetwork = sharing.isHosts(NamespaceType.NET, spec, opened.joins);
            LaunchPlanner.Planned planned =
                    planner.plan(
                            spec,
                            new LaunchPlanner.Claimed(
                                    id,
                                    new Descriptors(
                                            entry.v2(),
                                            entry.freezer(),
                                            entry.v1(),
                                            opened.tree,
                                            files.layers(),
                                            files.stdin(),
                                            files.log(),
                                            files.run(),
                                            files.state()),
                                    opened.joins,
                                    attachments,
                                    devices.nodes(),
                                    opened.mappings,
                                    opened.identity,
                                    roots.isIdMapped(spec, opened.mappings),
                                    hostNetwork,
                                    RootSource.isHostRoot(spec)
                                            ? names.of(
                                                    LaunchPlanner.hostname(spec, id), hostNetwork)
                                            : List.of(),
                                    kind));
            return new Sent(
                    launcher.launch(planned.plan(), listener),
                    opened.mappings,
                    cgroup,
                    planned.members());
        }
    }

    /** What a life takes of the host. */
    private record Opened(
            List<Join> joins,
            Mappings mappings,
            @Nullable Fd tree,
            List<Attachment> attachments,
            Accounts.Identity identity) {}

    private Opened open(SandboxSpec spec, Claims descriptors) {
        List<Join> joins = sharing.open(spec, descriptors);
        Mappings mappings = sharing.mappings(spec, joins);
        checkRoot(spec, mappings);
        Fd tree = roots.tree(spec);
        if (tree != null) {
            descriptors.opened(tree);
        }
        List<Attachment> attachments =
                roots.neededMounts(spec).stream()
                        .map(
                                mount ->
                                        attachment(
                                                mount.mountPoint(),
                                                mount.mountPoint(),
                                                descriptors))
                        .toList();
        return new Opened(joins, mappings, tree, attachments, identity(spec, joins, mappings));
    }

    /**
     * The plan of a program that is to be in all that a running sandbox is in: its namespaces, and
     * behind its filter, capabilities, limits of processes, Landlock and label. The groups are in
     * the descriptors.
     *
     * @param flags of the plan, beside those that follow from the sandbox
     * @param opened is given what the plan opens
     */
    public LaunchPlan program(
            LaunchKind kind,
            Set<Flag> flags,
            Inside inside,
            Descriptors descriptors,
            Accounts.Identity identity,
            LaunchPlan.Limits limits,
            LaunchPlan.Program program,
            Claims opened) {
        SandboxSpec spec = inside.spec();
        List<Join> joins = sharing.all(inside, opened);
        boolean hostNetwork = sharing.isHosts(NamespaceType.NET, spec, joins);
        return planner.program(
                kind,
                flags,
                spec,
                new LaunchPlanner.Joined(joins, inside.mappings(), hostNetwork),
                descriptors,
                identity,
                limits,
                program);
    }

    /**
     * Checks that what a life takes of the host is there, without beginning one.
     *
     * @throws Problem with what {@link #send} would refuse
     */
    public void check(SandboxSpec spec) {
        roots.check(spec);
        try (Claims descriptors = new Claims()) {
            Devices.open(syscalls, spec.security(), descriptors);
            open(spec, descriptors);
        }
    }

    /** A device filter on cgroup2 cannot be widened later, so who has devices has a fresh group. */
    private Cgroup claimGroup(SandboxId id, SandboxSpec spec, LaunchKind kind, Claims claims) {
        Security security = spec.security();
        if (kind == LaunchKind.RUN && security.devices().isEmpty() && !security.privileged()) {
            Cgroup cgroup = cgroups.runs().take(spec.limits().ofGroup(null));
            claims.add(() -> cgroups.runs().giveBack(cgroup));
            return cgroup;
        }
        Cgroup cgroup = cgroups.create(id.value());
        claims.add(cgroup::remove);
        return cgroup;
    }

    private static void limit(
            Cgroup cgroup, SandboxSpec spec, Devices.Opened devices, LaunchKind kind) {
        try {
            cgroup.limit(spec.limits().ofGroup(devices.rules()), kind == LaunchKind.SANDBOX);
        } catch (RuntimeException e) {
            throw LaunchFailures.ofLimits(e);
        }
    }

    /** A copy of what the host has somewhere. */
    private Attachment attachment(String path, String target, Claims descriptors) {
        Fd tree =
                descriptors.opened(syscalls.openTree(Fd.AT_FDCWD, path, Syscalls.OPEN_TREE_CLONE));
        return new Attachment(tree, target);
    }

    /**
     * The host's files, and the daemon's own state, are protected by their owners not being mapped;
     * whose mappings it will have is known only now, where it shares a user namespace.
     */
    private void checkRoot(SandboxSpec spec, Mappings mappings) {
        if (!spec.isNew(NamespaceType.MNT) || !mappings.mapsAccountOf(host.get())) {
            return;
        }
        if (RootSource.isHostRoot(spec)) {
            throw Problem.invalid(
                    "namespaces.user",
                    "maps ids of users of the host, whose files the default root would show; give"
                            + " rootfs");
        }
        if (roots.holdsState(spec)) {
            throw Problem.invalid(
                    "rootfs.path",
                    "holds the daemon's own state, which a user namespace that maps users of the"
                            + " host could read");
        }
    }

    private static Accounts.Identity resolve(Accounts accounts, String user) {
        try {
            return accounts.resolve(user);
        } catch (UnknownAccountException e) {
            throw Problem.invalid("user", String.valueOf(e.getMessage()));
        }
    }

    private Accounts.Identity identity(SandboxSpec spec, List<Join> joins, Mappings mappings) {
        Accounts.Identity identity =
                spec.user().equals("0:0")
                        ? new Accounts.Identity(0, 0, List.of(), "/root")
                        : resolve(
                                roots.accounts(spec, sharing.mountMember(spec, joins)),
                                spec.user());
        if (!Mappings.maps(mappings.uids(), identity.uid())) {
            throw Problem.invalid("user", "the id " + identity.uid() + " is not mapped");
        }
        if (!Mappings.maps(mappings.gids(), identity.gid())) {
            throw Problem.invalid("user", "the group id " + identity.gid() + " is not mapped");
        }
        List<Long> groups =
                identity.groups().stream()
                        .filter(group -> Mappings.maps(mappings.gids(), group))
                        .toList();
        if (groups.size() > LaunchPlan.GROUPS_MAX) {
            throw Problem.invalid(
                    "user", "is in more than " + LaunchPlan.GROUPS_MAX + " groups; name a group");
        }
        return new Accounts.Identity(identity.uid(), identity.gid(), groups, identity.home());
    }

    /** What the failure of a launch means for the request. */
    public RuntimeException explain(SandboxSpec spec, Sent sent, LauncherException failure) {
        return failures.explain(spec, sent.members(), failure);
    }

    public Cgroup cgroup(SandboxId id) {
        return cgroups.of(id.value());
    }
}

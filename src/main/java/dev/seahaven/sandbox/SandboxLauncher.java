package dev.seahaven.sandbox;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Cgroups;
import dev.seahaven.launcher.LaunchPlan;
import dev.seahaven.launcher.LaunchPlan.Attachment;
import dev.seahaven.launcher.LaunchPlan.Descriptors;
import dev.seahaven.launcher.LaunchPlan.Join;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.launcher.LauncherException;
import dev.seahaven.launcher.Report;
import dev.seahaven.launcher.Stage;
import dev.seahaven.namespace.IdMapping;
import dev.seahaven.namespace.IdRanges;
import dev.seahaven.namespace.NamespaceFinder;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.web.Problem;
import dev.seahaven.web.ProblemType;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Takes one sandbox the way from its specification to the launcher: ids, cgroup, namespaces,
 * layers, plan.
 */
final class SandboxLauncher implements AutoCloseable {

    private final Syscalls syscalls;
    private final Launcher launcher;
    private final Cgroups cgroups;
    private final LaunchPlanner planner;
    private final RootSource roots;
    private final Sharing sharing;
    private final IdRanges ids;
    private final HostAccounts host = new HostAccounts();

    SandboxLauncher(
            Syscalls syscalls,
            ProcRoot proc,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder namespaces,
            SandboxRegistry registry,
            SandboxSettings settings,
            HardeningPlanner hardening) {
        this.syscalls = syscalls;
        this.launcher = launcher;
        this.cgroups = cgroups;
        this.planner =
                new LaunchPlanner(
                        settings,
                        hardening,
                        ProcStatus.read(proc, "self")
                                .map(status -> status.hex("CapPrm"))
                                .orElse(-1L));
        this.roots = new RootSource(syscalls, proc, settings);
        this.sharing = new Sharing(syscalls, proc, namespaces, registry);
        this.ids = new IdRanges(settings.firstId(), host.idsInUse());
    }

    @Override
    public void close() {
        roots.close();
    }

    IdRanges ids() {
        return ids;
    }

    /** Fills in what the host decides: checks the root, and gives a new user namespace its ids. */
    SandboxSpec claimIds(SandboxSpec spec, Claims claims) {
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
            List<IdMapping> own = List.of(new IdMapping(0, ids.take(), IdMapping.RANGE));
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

    /** What a sandbox that is kept has in files; all null for a run, but stdin. */
    record Files(
            @Nullable Fd stdin,
            @Nullable Fd layers,
            @Nullable Fd log,
            @Nullable Fd run,
            @Nullable Fd state) {}

    /** A launch that was sent; {@code mappings} are those of its user namespace. */
    record Sent(Launcher.Launch launch, Mappings mappings, Cgroup cgroup) {}

    /**
     * Claims what a life needs and sends the plan. The cgroup is added to {@code claims}, which
     * outlive this call; every descriptor is closed at its end.
     */
    Sent send(
            SandboxId id,
            SandboxSpec spec,
            Files files,
            boolean capture,
            Claims claims,
            Consumer<Report> listener) {
        Cgroup cgroup = claimGroup(id, spec, capture, claims);
        try (Claims descriptors = new Claims()) {
            Devices.Opened devices = Devices.open(syscalls, spec.security(), descriptors);
            limit(cgroup, spec, devices, capture);
            Cgroup.Entry entry = descriptors.opened(cgroup.enter());
            List<Join> joins = sharing.open(spec, descriptors);
            Mappings mappings = sharing.mappings(spec, joins);
            checkRoot(spec, mappings);
            Fd tree = roots.tree(spec);
            if (tree != null) {
                descriptors.opened(tree);
            }
            List<Attachment> attachments =
                    roots.neededMounts(spec).stream()
                            .map(mount -> attachment(mount.mountPoint(), descriptors))
                            .toList();
            LaunchPlan plan =
                    planner.plan(
                            spec,
                            new LaunchPlanner.Claimed(
                                    id,
                                    new Descriptors(
                                            entry.v2(),
                                            entry.freezer(),
                                            entry.v1(),
                                            tree,
                                            files.layers(),
                                            files.stdin(),
                                            files.log(),
                                            files.run(),
                                            files.state()),
                                    joins,
                                    attachments,
                                    devices.nodes(),
                                    mappings,
                                    identity(spec, joins, mappings),
                                    roots.isIdMapped(spec, mappings),
                                    sharing.isHosts(NamespaceType.NET, spec, joins),
                                    capture));
            return new Sent(launcher.launch(plan, listener), mappings, cgroup);
        }
    }

    /** A device filter on cgroup2 cannot be widened later, so who has devices has a fresh group. */
    private Cgroup claimGroup(SandboxId id, SandboxSpec spec, boolean capture, Claims claims) {
        Security security = spec.security();
        if (capture && security.devices().isEmpty() && !security.privileged()) {
            Cgroup cgroup = cgroups.runs().take(spec.limits().ofGroup(null));
            claims.add(() -> cgroups.runs().giveBack(cgroup));
            return cgroup;
        }
        Cgroup cgroup = cgroups.create(id.value());
        claims.add(cgroup::remove);
        return cgroup;
    }

    private static void limit(
            Cgroup cgroup, SandboxSpec spec, Devices.Opened devices, boolean capture) {
        try {
            cgroup.limit(spec.limits().ofGroup(devices.rules()), !capture);
        } catch (RuntimeException e) {
            throw LiveLimits.explain(e);
        }
    }

    private Attachment attachment(String mountPoint, Claims descriptors) {
        Fd tree =
                descriptors.opened(
                        syscalls.openTree(Fd.AT_FDCWD, mountPoint, Syscalls.OPEN_TREE_CLONE));
        return new Attachment(tree, mountPoint);
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

    private Accounts.Identity identity(SandboxSpec spec, List<Join> joins, Mappings mappings) {
        Accounts.Identity identity =
                spec.user().equals("0:0")
                        ? new Accounts.Identity(0, 0, List.of(), "/root")
                        : roots.accounts(spec, sharing.mountMember(spec, joins))
                                .resolve(spec.user());
        if (!Mappings.maps(mappings.uids(), identity.uid())) {
            throw Problem.invalid("user", "the id " + identity.uid() + " is not mapped");
        }
        if (!Mappings.maps(mappings.gids(), identity.gid())) {
            throw Problem.invalid("user", "the group id " + identity.gid() + " is not mapped");
        }
        List<Long> groups =
                identity.groups().stream()
                        .filter(group -> Mappings.maps(mappings.gids(), group))
                        .limit(64)
                        .toList();
        return new Accounts.Identity(identity.uid(), identity.gid(), groups, identity.home());
    }

    /** The failure of a launch, told in terms of what was asked for where it follows from that. */
    RuntimeException explain(SandboxSpec spec, LauncherException failure) {
        String syscall = failure.refusal().syscall();
        Errno errno = failure.errno();
        if (syscall.equals("waitid") && spec.security().seccomp() == Security.SeccompMode.PROFILE) {
            return Problem.invalid(
                    "security.seccomp",
                    "keeps the command from being executed: let at least execve, sendto and"
                            + " exit_group through");
        }
        return switch (failure.stage()) {
            case WORKING_DIRECTORY ->
                    Problem.invalid(
                            "workingDirectory",
                            "cannot be entered: " + errno + " (" + errno.description() + ")");
            case CLONE ->
                    errno == Errno.ENOMEM && !spec.isNew(NamespaceType.PID)
                            ? new Problem(
                                    ProblemType.WRONG_STATE,
                                    "The pid namespace that is shared is dead: its init has ended.")
                            : failure;
            case SYSCTLS ->
                    isRefusal(errno)
                            ? sysctl(spec.security(), failure.refusal().call())
                                    .<RuntimeException>map(
                                            name -> Problem.invalid(name, sysctlRefusal(errno)))
                                    .orElse(failure)
                            : failure;
            case MASKS ->
                    isRefusal(errno)
                            ? coveredField(spec.security(), failure.refusal().call())
                                    .<RuntimeException>map(
                                            field ->
                                                    Problem.invalid(
                                                            field,
                                                            "cannot be covered; is it a symbolic"
                                                                    + " link? Name what it leads"
                                                                    + " to"))
                                    .orElse(failure)
                            : failure;
            case LANDLOCK ->
                    isRefusal(errno) && spec.security().landlock() != null
                            ? Problem.invalid(
                                    "security.landlock",
                                    "names what is not there: " + failure.refusal().call())
                            : failure;
            case LABEL ->
                    isRefusal(errno)
                            ? Problem.invalid(
                                    spec.security().apparmor() == null
                                            ? "security.selinux"
                                            : "security.apparmor",
                                    "is not taken by the kernel: " + errno)
                            : failure;
            case CREDENTIALS ->
                    errno == Errno.EPERM && syscall.equals("capset")
                            ? Problem.invalid(
                                    "security.capabilities.add",
                                    "asks for what the daemon itself does not have: "
                                            + failure.refusal().call())
                            : failure;
            case RLIMITS ->
                    isRefusal(errno)
                            ? Problem.invalid(
                                    "limits.rlimits", "cannot be set: " + failure.refusal().call())
                            : failure;
            case TIME ->
                    errno == Errno.ERANGE
                            ? Problem.invalid(
                                    "namespaces.time", "an offset is out of the clock's range")
                            : failure;
            case SECCOMP ->
                    isRefusal(errno) && spec.security().seccomp() == Security.SeccompMode.PROFILE
                            ? Problem.invalid(
                                    "security.seccomp",
                                    "is not taken by the kernel: "
                                            + failure.refusal().call()
                                            + ": "
                                            + errno)
                            : failure;
            case ROOT ->
                    syscall.equals("mount_setattr")
                                    && errno == Errno.EINVAL
                                    && spec.rootfs() != null
                            ? unsupportedRoot(spec.rootfs())
                            : failure;
            case MOUNTS ->
                    spec.rootfs() != null && (errno == Errno.ELOOP || errno == Errno.ENOTDIR)
                            ? Problem.invalid(
                                    "rootfs.path",
                                    "has no directory where one is needed for a mount: "
                                            + failure.refusal().call())
                            : failure;
            default -> failure;
        };
    }

    /** The one that a call names. */
    private static Optional<String> sysctl(Security security, String call) {
        return security.sysctls().keySet().stream()
                .filter(path -> call.endsWith("(sys/" + path + ")"))
                .map(path -> "security.sysctls." + path.replace('/', '.'))
                .findFirst();
    }

    private static String sysctlRefusal(Errno errno) {
        return switch (errno) {
            case ENOENT -> "is not there in a namespace of its own";
            case EISDIR -> "is a directory; name what lies in it";
            default ->
                    "does not take this value, or not from a sandbox: "
                            + errno
                            + " ("
                            + errno.description()
                            + ")";
        };
    }

    /** Where a path was asked for that a call names. */
    private static Optional<String> coveredField(Security security, String call) {
        return Stream.concat(
                        named("security.maskedPaths", security.maskedPaths(), call),
                        named("security.readOnlyPaths", security.readOnlyPaths(), call))
                .findFirst();
    }

    private static Stream<String> named(String field, List<String> paths, String call) {
        return IntStream.range(0, paths.size())
                .filter(i -> call.endsWith("(" + paths.get(i) + ")"))
                .mapToObj(i -> field + "[" + i + "]");
    }

    /** Whether the value was refused, and not something of ours failed. */
    private static boolean isRefusal(Errno errno) {
        return switch (errno) {
            case EINVAL, ENOENT, ENOTDIR, EISDIR, ELOOP, EACCES, EPERM, EROFS, ERANGE -> true;
            default -> false;
        };
    }

    private Problem unsupportedRoot(SandboxSpec.Rootfs rootfs) {
        String type = roots.fileSystem(rootfs.path());
        return new Problem(
                        ProblemType.UNSUPPORTED_FEATURE,
                        "The file system of "
                                + rootfs.path()
                                + " ("
                                + type
                                + ") cannot be id-mapped; copy the root to ext4, xfs, btrfs or"
                                + " tmpfs.")
                .with("feature", "idmapped-mounts")
                .with("fileSystem", type);
    }

    /** Whether a command that was not executed is a result, and not an error of ours. */
    static @Nullable Exit notExecuted(LauncherException failure) {
        if (failure.stage() != Stage.EXEC) {
            return null;
        }
        return switch (failure.errno()) {
            case ENOENT, ENOTDIR -> Exit.notExecuted(false);
            case EACCES, EISDIR, ENOEXEC, ELIBBAD, ELOOP, ENAMETOOLONG, EPERM, ETXTBSY, EINVAL ->
                    Exit.notExecuted(true);
            default -> null;
        };
    }

    Cgroup cgroup(SandboxId id) {
        return cgroups.of(id.value());
    }
}

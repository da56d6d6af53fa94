package dev.seahaven.namespace;

import dev.seahaven.launcher.Launcher;
import dev.seahaven.namespace.DeclaredNamespaces.Declared;
import dev.seahaven.namespace.HostNamespace.Manager;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.Signal;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.web.Problem;
import dev.seahaven.web.ProblemType;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.json.JsonMapper;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Every namespace of the host, and the names that this daemon gives. */
public final class NamespaceService {

    private static final Logger LOG = System.getLogger(NamespaceService.class.getName());
    private static final long TURN_SECONDS = 10;
    private static final String KEEPER = "seahaven-keep";
    private static final int SETTLE_STEPS = 10;
    private static final long SETTLE_NANOS = 10_000_000;

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final NamespaceRegistry registry;
    private final NamespaceOpener opener;
    private final PreparedNetwork network;
    private final NamespaceMaker maker;
    private final NamespaceViewer viewer;
    private final DeclaredNamespaces declared;
    private final NamespaceUsers users;
    private final IdRanges ids;
    private final NameWatch watch;
    private final Set<Declared> notMadeAgain = ConcurrentHashMap.newKeySet();
    private final List<ReentrantLock> locks =
            Stream.generate(ReentrantLock::new).limit(64).toList();

    /**
     * @param declarations directory for what is declared
     */
    public NamespaceService(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            Launcher launcher,
            Path declarations,
            NamespaceUsers users,
            IdRanges ids,
            JsonMapper json) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.proc = proc;
        this.finder = finder;
        this.users = users;
        this.ids = ids;
        NamespaceThread threads = new NamespaceThread(syscalls, calls);
        this.registry = finder.registry();
        this.opener = new NamespaceOpener(syscalls, calls, proc, threads);
        this.network = new PreparedNetwork(syscalls, calls, threads);
        this.maker = new NamespaceMaker(calls, threads, registry, finder, launcher, network);
        this.viewer = new NamespaceViewer(syscalls, calls, proc, finder, threads, launcher);
        this.declared = new DeclaredNamespaces(json, declarations);
        this.watch = new NameWatch(registry.directory(NamespaceType.NET), this::vanished);
    }

    /**
     * Makes again what was declared and a reboot has taken.
     *
     * @param sameBoot whether names that are missing were taken away by somebody
     */
    public void start(boolean sameBoot) {
        for (Declared each : declared.load()) {
            try {
                restore(each, sameBoot);
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "namespace " + each.name() + " is not made again", e);
                notMadeAgain.add(each);
            }
        }
        watch.start();
    }

    private void restore(Declared each, boolean sameBoot) {
        boolean live = registry.look(each.type(), each.name()).id() != null;
        if (!live && sameBoot) {
            declared.removeUnless(each.type(), each.name(), () -> false);
            return;
        }
        if (!ids.take(idsOf(each))) {
            throw new IllegalStateException("its ids are another's");
        }
        if (!live) {
            registry.remove(each.type(), each.name());
            try {
                maker.make(each);
            } catch (RuntimeException e) {
                ids.giveBack(idsOf(each));
                throw e;
            }
        }
    }

    private static List<IdMapping> idsOf(Declared each) {
        return Stream.concat(each.uidMappings().stream(), each.gidMappings().stream()).toList();
    }

    public void stop() {
        watch.stop();
        network.close();
        registry.close();
    }

    /** Somebody else has taken a name of a network namespace away: it is not to come back. */
    private void vanished(String name) {
        declared.removeUnless(
                NamespaceType.NET, name, () -> registry.exists(NamespaceType.NET, name));
    }

    /** Calls {@code listener} when a name of a network namespace has come or gone. */
    Runnable onNames(Runnable listener) {
        return watch.listen(listener);
    }

    // ---------------------------------------------------------------- finding

    HostNamespaces scan() {
        HostNamespaces found = newScan().run().withStale(declaredInVain());
        Map<Integer, String> sandboxes = users.sandboxesByInit();
        if (!sandboxes.isEmpty()) {
            Set<Long> hosts = new HashSet<>();
            for (NamespaceType type : NamespaceType.values()) {
                finder.hosts(type).ifPresent(link -> hosts.add(link.id()));
            }
            found.all().stream()
                    .filter(each -> !hosts.contains(each.id()))
                    .forEach(each -> mark(each, sandboxes));
        }
        return found;
    }

    private NamespaceScan newScan() {
        return new NamespaceScan(syscalls, calls, proc, finder, opener, network);
    }

    private static void mark(HostNamespace namespace, Map<Integer, String> sandboxes) {
        for (Holder holder : namespace.holders()) {
            String sandbox =
                    holder instanceof Holder.Member member ? sandboxes.get(member.pid()) : null;
            if (sandbox != null) {
                namespace.setSandbox(sandbox);
            }
        }
    }

    NamespaceResponse response(HostNamespace namespace) {
        return NamespaceResponse.of(namespace, managers().apply(namespace), true);
    }

    /** Tells who made a namespace; for one request. */
    Function<HostNamespace, @Nullable Manager> managers() {
        ManagerRecognition recognition = new ManagerRecognition(proc);
        return namespace -> {
            NamespaceRegistry.Name name = namespace.name();
            return recognition.of(
                    namespace, name != null && declared.contains(name.type(), name.name()));
        };
    }

    /** What a path names: a number, a name, or {@code TYPE:NAME}. */
    record Reference(@Nullable Long id, NamespaceRegistry.@Nullable Name name) {}

    /**
     * @throws Problem 404 where there is none, 409 where several types have the name
     */
    Reference resolve(String reference) {
        if (!reference.isEmpty() && reference.chars().allMatch(Character::isDigit)) {
            return new Reference(number(reference), null);
        }
        int colon = reference.indexOf(':');
        Optional<NamespaceType> type =
                colon < 0
                        ? Optional.empty()
                        : NamespaceType.ofKernelName(reference.substring(0, colon));
        String name = type.isPresent() ? reference.substring(colon + 1) : reference;
        List<NamespaceRegistry.Name> found =
                Stream.concat(registry.names().stream(), declaredInVain().stream())
                        .filter(each -> each.name().equals(name))
                        .filter(each -> type.isEmpty() || type.get() == each.type())
                        .toList();
        if (found.isEmpty()) {
            throw Problem.notFound("namespace", reference);
        }
        if (found.size() > 1) {
            throw new Problem(
                            ProblemType.AMBIGUOUS_NAME,
                            "Namespaces of several types have the name '"
                                    + name
                                    + "'; give TYPE:NAME.")
                    .with(
                            "candidates",
                            found.stream()
                                    .map(each -> each.type().kernelName() + ":" + name)
                                    .toList());
        }
        return new Reference(found.getFirst().id(), found.getFirst());
    }

    /** What is declared and could not be made again: told as stale until it is deleted. */
    private List<NamespaceRegistry.Name> declaredInVain() {
        return notMadeAgain.stream()
                .filter(each -> declared.contains(each.type(), each.name()))
                .filter(each -> !registry.exists(each.type(), each.name()))
                .map(each -> registry.look(each.type(), each.name()))
                .filter(name -> name.id() == null)
                .toList();
    }

    private static long number(String digits) {
        try {
            return Long.parseLong(digits);
        } catch (NumberFormatException e) {
            throw Problem.notFound("namespace", digits);
        }
    }

    /**
     * @throws Problem 404 where there is none, 409 where the name is stale
     */
    HostNamespace get(HostNamespaces all, String reference) {
        Reference meant = resolve(reference);
        if (meant.id() == null) {
            throw new Problem(
                    ProblemType.WRONG_STATE,
                    "The name '" + reference + "' is stale: no namespace is mounted on it.");
        }
        HostNamespace found = all.get(meant.id());
        if (found == null) {
            throw Problem.notFound("namespace", reference);
        }
        if (meant.name() != null) {
            found.callBy(meant.name());
        }
        return found;
    }

    /** Opens one that a scan has found. */
    Fd open(HostNamespaces all, HostNamespace namespace) {
        try {
            return opener.open(all, namespace);
        } catch (SyscallException e) {
            if (NamespaceThread.isGone(e)) {
                throw Problem.notFound("namespace", Long.toString(namespace.id()));
            }
            throw e;
        }
    }

    /**
     * The number of what a path names.
     *
     * @throws Problem 404 where there is none
     */
    public long idOf(String reference) {
        return get(scan(), reference).id();
    }

    /** A user id and a group id as one user namespace has them; null where it does not map them. */
    public record Ids(long namespace, @Nullable Long uid, @Nullable Long gid) {}

    /** The ids of a process in each user namespace from the daemon's down to its own. */
    public List<Ids> idsOf(int pid, long uid, long gid) {
        List<Ids> levels = new ArrayList<>();
        Fd at = finder.open(pid, NamespaceType.USER);
        Integer member = pid;
        while (true) {
            long id = syscalls.fstat(at).inode();
            try (Fd below = at) {
                NamespaceView.User maps =
                        viewer.user(
                                below,
                                member != null
                                        ? member
                                        : finder.member(NamespaceType.USER, id).orElse(null));
                levels.addFirst(
                        new Ids(
                                id,
                                inside(maps.uidMappings(), uid),
                                inside(maps.gidMappings(), gid)));
                at = calls.nsGetParent(below);
            } catch (SyscallException e) {
                if (e.errno() == Errno.EPERM) {
                    return levels; // the daemon's own was the last
                }
                throw e;
            }
            member = null;
        }
    }

    private static @Nullable Long inside(List<IdMapping> mappings, long outside) {
        return mappings.stream()
                .filter(mapping -> mapping.mapsOutside(outside))
                .map(mapping -> mapping.inside() + outside - mapping.outside())
                .findFirst()
                .orElse(null);
    }

    NamespaceView view(HostNamespaces all, HostNamespace namespace) {
        try (Fd open = open(all, namespace)) {
            HostNamespace.Leader leader = namespace.leader();
            return viewer.view(namespace.type(), open, leader == null ? null : leader.pid());
        } catch (SyscallException e) {
            if (e.errno() == Errno.ESRCH || e.errno() == Errno.ENOENT) {
                throw Problem.notFound("namespace", Long.toString(namespace.id()));
            }
            throw e;
        }
    }

    /**
     * A namespace that is to be entered, open until it is closed.
     *
     * @param name where it is one of a network namespace
     * @param mapsRoot whether it is no user namespace, or one that maps the id 0
     * @param setgroups whether it is no user namespace, or one that allows setgroups(2)
     * @param owner of a mount namespace, to be entered with it where it is not the daemon's own:
     *     whoever made its files is not to have them run by root of the host
     */
    public record Entrance(
            NamespaceType type,
            Fd namespace,
            @Nullable String name,
            boolean mapsRoot,
            boolean setgroups,
            @Nullable Fd owner)
            implements AutoCloseable {
        @Override
        public void close() {
            namespace.close();
            if (owner != null) {
                owner.close();
            }
        }
    }

    /**
     * @throws Problem 404 where there is none, 409 where it cannot be entered any more
     */
    public Entrance enter(String reference) {
        HostNamespaces all = scan();
        HostNamespace found = get(all, reference);
        if (found.type() == NamespaceType.PID && !hasInit(found)) {
            throw new Problem(
                    ProblemType.WRONG_STATE,
                    "The pid namespace '" + reference + "' is dead: its init has ended.");
        }
        NamespaceRegistry.Name name = found.name();
        Fd open = open(all, found);
        Fd owner = null;
        try {
            String of = name == null ? null : name.name();
            if (found.type() == NamespaceType.MNT) {
                owner = otherOwner(open);
            }
            if (found.type() != NamespaceType.USER && owner == null) {
                return new Entrance(found.type(), open, of, true, true, null);
            }
            NamespaceView.User maps =
                    viewer.user(
                            owner == null ? open : owner,
                            found.leader() == null ? null : found.leader().pid());
            boolean mapsRoot =
                    maps.uidMappings().stream().anyMatch(mapping -> mapping.mapsInside(0))
                            && maps.gidMappings().stream()
                                    .anyMatch(mapping -> mapping.mapsInside(0));
            return new Entrance(found.type(), open, of, mapsRoot, maps.setgroups(), owner);
        } catch (RuntimeException e) {
            open.close();
            if (owner != null) {
                owner.close();
            }
            throw e;
        }
    }

    /** The user namespace that owns another; null where it is the daemon's own. */
    private @Nullable Fd otherOwner(Fd namespace) {
        Fd owner = calls.nsGetUserns(namespace);
        if (finder.own(NamespaceType.USER)
                .filter(own -> own.id() == syscalls.fstat(owner).inode())
                .isPresent()) {
            owner.close();
            return null;
        }
        return owner;
    }

    /** One that never had a process is waiting for its first, and lives too. */
    private boolean hasInit(HostNamespace pidns) {
        return pidns.processCount() > 0
                || pidns.holders().stream().anyMatch(Holder.ForChildren.class::isInstance);
    }

    // ---------------------------------------------------------------- names

    HostNamespace create(CreateNamespaceRequest request) {
        Declared asked = NamespaceMaker.resolve(request);
        return changing(asked.type(), asked.name(), () -> create(request, asked));
    }

    /** One change of a name at a time; the next waits its turn, for a while. */
    private <T extends @Nullable Object> T changing(
            NamespaceType type, String name, Supplier<T> change) {
        ReentrantLock lock = locks.get(Math.floorMod(Objects.hash(type, name), locks.size()));
        try {
            if (!lock.tryLock(TURN_SECONDS, TimeUnit.SECONDS)) {
                throw new Problem(ProblemType.BUSY, "Another change of the name takes too long.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        }
        try {
            return change.get();
        } finally {
            lock.unlock();
        }
    }

    private HostNamespace create(CreateNamespaceRequest request, Declared asked) {
        if (request.adopt() != null) {
            adopt(asked, request.adopt());
            HostNamespaces all = scan();
            return get(all, asked.type().kernelName() + ":" + asked.name());
        }
        Integer keeper = make(asked);
        NamespaceRegistry.Name name = registry.look(asked.type(), asked.name());
        Long id = name.id();
        HostNamespace made = id == null ? null : newScan().ofNew(name, id, keeper).get(id);
        if (made == null) { // somebody has taken it away already
            throw Problem.notFound("namespace", asked.name());
        }
        return made;
    }

    private @Nullable Integer make(Declared asked) {
        Declared whole = asked.type() == NamespaceType.USER ? withIds(asked) : asked;
        try {
            Integer keeper = maker.make(whole);
            declare(whole, keeper);
            return keeper;
        } catch (RuntimeException e) {
            ids.giveBack(idsOf(whole));
            throw e;
        }
    }

    private void declare(Declared made, @Nullable Integer keeper) {
        try {
            declared.add(made);
        } catch (RuntimeException e) {
            registry.remove(made.type(), made.name());
            if (keeper != null) {
                dismiss(keeper);
            }
            throw e;
        }
    }

    private Declared withIds(Declared asked) {
        List<IdMapping> uids = asked.uidMappings();
        if (uids.isEmpty()) {
            uids = List.of(new IdMapping(0, ids.take(), IdMapping.RANGE));
        } else if (!ids.take(idsOf(asked))) {
            throw Problem.invalid("uidMappings", "overlap the ids of a sandbox or a namespace");
        }
        return new Declared(
                asked.type(),
                asked.name(),
                asked.hostname(),
                uids,
                asked.gidMappings().isEmpty() ? uids : asked.gidMappings(),
                0,
                0);
    }

    private void adopt(Declared asked, CreateNamespaceRequest.AdoptRequest what) {
        long given =
                List.of(
                                Optional.ofNullable(what.pid()),
                                Optional.ofNullable(what.namespace()),
                                Optional.ofNullable(what.path()))
                        .stream()
                        .filter(Optional::isPresent)
                        .count();
        if (given != 1) {
            throw Problem.invalid("adopt", "needs exactly one of pid, namespace and path");
        }
        try (Fd namespace = adopted(asked.type(), what)) {
            NamespaceType type =
                    NamespaceType.ofFlag(calls.nsGetNstype(namespace)).orElse(asked.type());
            if (type != asked.type()) {
                throw new Problem(
                        ProblemType.WRONG_NAMESPACE_TYPE,
                        "The namespace is of type "
                                + type.kernelName()
                                + ", not "
                                + asked.type().kernelName()
                                + ".");
            }
            maker.adopt(type, asked.name(), namespace);
        } catch (SyscallException e) {
            if (asked.type() == NamespaceType.MNT && e.errno() == Errno.EINVAL) {
                throw Problem.invalid(
                        "adopt",
                        "is the daemon's own mount namespace or an older one, of which the kernel"
                                + " lets no name be made");
            }
            throw e;
        }
    }

    private Fd adopted(NamespaceType type, CreateNamespaceRequest.AdoptRequest what) {
        if (what.namespace() != null) {
            HostNamespaces all = scan();
            HostNamespace found = all.get(what.namespace());
            if (found == null) {
                throw Problem.notFound("namespace", what.namespace().toString());
            }
            return open(all, found);
        }
        if (what.pid() != null) {
            try (PidFd process = syscalls.pidfdOpen(what.pid())) {
                Fd namespace = finder.open(process.pid(), type);
                if (!syscalls.hasEnded(process)) {
                    return namespace; // so the number was still its own
                }
                namespace.close();
                throw Problem.notFound("process", what.pid().toString());
            } catch (SyscallException e) {
                if (NamespaceThread.isGone(e) || e.errno() == Errno.EINVAL) {
                    throw Problem.notFound("process", what.pid().toString());
                }
                if (e.errno() == Errno.EACCES || e.errno() == Errno.EPERM) {
                    throw Problem.invalid(
                            "adopt.pid", "is of a process that the daemon may not look into");
                }
                throw e;
            }
        }
        String path = Objects.requireNonNull(what.path());
        if (!path.startsWith("/")) {
            throw Problem.invalid("adopt.path", "must be absolute");
        }
        try (Fd file = syscalls.open(path, Syscalls.O_PATH, 0)) {
            if (calls.fileSystemType(file) != NamespaceCalls.NSFS_MAGIC) {
                throw Problem.invalid("adopt.path", "is no namespace");
            }
            return syscalls.open("/proc/self/fd/" + file.number(), Syscalls.O_RDONLY, 0);
        } catch (SyscallException e) {
            throw Problem.invalid("adopt.path", "cannot be opened: " + e.getMessage());
        }
    }

    /**
     * Takes a name away.
     *
     * @return the namespace, if it lives on
     * @throws Problem 409 when a sandbox uses it
     */
    Optional<Left> delete(String reference) {
        Reference meant = resolve(reference);
        HostNamespaces before = scan();
        HostNamespace found = meant.id() == null ? null : before.get(meant.id());
        NamespaceRegistry.Name name =
                meant.name() != null ? meant.name() : found == null ? null : found.name();
        return name == null
                ? delete(reference, null, found)
                : changing(name.type(), name.name(), () -> delete(reference, name, found));
    }

    /** A namespace that lives on without its name, and the scan that has found it. */
    record Left(HostNamespace namespace, HostNamespaces all) {}

    private Optional<Left> delete(
            String reference,
            NamespaceRegistry.@Nullable Name name,
            @Nullable HostNamespace found) {
        if (name == null) {
            throw found == null
                    ? Problem.notFound("namespace", reference)
                    : new Problem(
                            ProblemType.WRONG_STATE,
                            "The namespace "
                                    + reference
                                    + " has no name that could be taken away; end its holders.");
        }
        if (found != null && found.sandbox() != null) {
            throw new Problem(
                            ProblemType.IN_USE,
                            "The sandbox "
                                    + found.sandbox()
                                    + " uses the namespace '"
                                    + name.name()
                                    + "'; delete it first.")
                    .with("holders", found.holders());
        }
        if (!Objects.equals(registry.look(name.type(), name.name()).id(), name.id())) {
            throw new Problem(
                    ProblemType.WRONG_STATE,
                    "The name '" + name.name() + "' means another namespace now; look again.");
        }
        boolean wasNamed = registry.remove(name.type(), name.name());
        Optional<Declared> was =
                declared.removeUnless(
                        name.type(), name.name(), () -> registry.exists(name.type(), name.name()));
        if (!wasNamed && was.isEmpty()) {
            throw Problem.notFound("namespace", reference);
        }
        boolean hasOtherName =
                found != null
                        && registry.names().stream()
                                .anyMatch(each -> Objects.equals(each.id(), found.id()));
        if (found != null && found.type() == NamespaceType.PID && !hasOtherName) {
            found.holders().stream()
                    .filter(NamespaceService::isKeeper)
                    .forEach(keeper -> dismiss(((Holder.Member) keeper).pid()));
        }
        Optional<Left> left = found == null ? Optional.empty() : settled(found.id());
        if (left.isEmpty() && wasNamed) { // else its processes still have the ids, or it never had
            was.ifPresent(each -> ids.giveBack(idsOf(each)));
        }
        return left;
    }

    private static boolean isKeeper(Holder holder) {
        return holder instanceof Holder.Member process && process.command().equals(KEEPER);
    }

    /** A keeper ends as soon as it is alone in its namespace. */
    private void dismiss(int pid) {
        try (PidFd keeper = syscalls.pidfdOpen(pid)) {
            boolean still =
                    ProcStat.read(proc, pid)
                            .filter(stat -> stat.command().equals(KEEPER))
                            .isPresent();
            if (still) {
                syscalls.pidfdSendSignal(keeper, Signal.TERM);
            }
        } catch (SyscallException e) {
            if (!NamespaceThread.isGone(e)) {
                throw e;
            }
        }
    }

    /** What holds it a moment after its name is gone; the kernel frees lazily. */
    private Optional<Left> settled(long id) {
        for (int i = 0; ; i++) {
            HostNamespaces all = scan();
            HostNamespace left = all.get(id);
            if (left == null || !isOnlyKept(left) || i == SETTLE_STEPS) {
                return Optional.ofNullable(left).map(still -> new Left(still, all));
            }
            LockSupport.parkNanos(SETTLE_NANOS);
        }
    }

    private static boolean isOnlyKept(HostNamespace namespace) {
        return !namespace.holders().isEmpty()
                && namespace.holders().stream().allMatch(NamespaceService::isKeeper);
    }
}

package dev.seahaven.namespace.life;

import dev.seahaven.claim.Claims;
import dev.seahaven.ids.IdMapping;
import dev.seahaven.ids.IdRanges;
import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.names.Declared;
import dev.seahaven.namespace.names.DeclaredNamespaces;
import dev.seahaven.namespace.names.NameWatch;
import dev.seahaven.namespace.names.NamespaceRegistry;
import dev.seahaven.namespace.scan.Holder;
import dev.seahaven.namespace.scan.HostNamespace;
import dev.seahaven.namespace.scan.HostNamespaces;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.Signal;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** The names that this daemon gives to namespaces: made, adopted, taken away, and made again. */
public final class NamespaceNames {

    private static final Logger LOG = System.getLogger(NamespaceNames.class.getName());
    private static final long TURN_SECONDS = 10;
    private static final String KEEPER = "seahaven-keep";
    private static final int SETTLE_STEPS = 10;
    private static final long SETTLE_NANOS = 10_000_000;

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final NamespaceRegistry registry;
    private final NamespaceMaker maker;
    private final DeclaredNamespaces declared;
    private final HostScans scans;
    private final IdRanges ids;
    private final NameWatch watch;
    private final List<ReentrantLock> locks =
            Stream.generate(ReentrantLock::new).limit(64).toList();

    NamespaceNames(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            NamespaceMaker maker,
            DeclaredNamespaces declared,
            HostScans scans,
            IdRanges ids) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.proc = proc;
        this.finder = finder;
        this.registry = finder.registry();
        this.maker = maker;
        this.declared = declared;
        this.scans = scans;
        this.ids = ids;
        this.watch = new NameWatch(registry.directory(NamespaceType.NET), this::vanished);
    }

    /**
     * Makes again what was declared and a reboot has taken.
     *
     * @param sameBoot whether names that are missing were taken away by somebody
     */
    public void start(boolean sameBoot) {
        List<Declared> all = declared.load();
        declared.cut().forEach(this::clear);
        clearUnbound();
        for (Declared each : all) {
            try {
                restore(each, sameBoot);
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "namespace " + each.name() + " is not made again", e);
                scans.notMadeAgain(each);
            }
        }
        watch.start();
    }

    /** Takes away what was half made, or is to be removed. */
    private void clear(DeclaredNamespaces.Cut cut) {
        try {
            NamespaceRegistry.Name name = registry.look(cut.type(), cut.name());
            if (cut.type() != NamespaceType.NET) {
                Long id = name.id();
                if (id != null && cut.type() == NamespaceType.PID && !hasOtherName(id, name)) {
                    keepers(id).forEach(this::dismiss);
                }
                registry.remove(cut.type(), cut.name());
            } else if (name.id() == null) { // else it is bound, as one that ip netns has made
                registry.remove(cut.type(), cut.name());
            }
            declared.discard(cut.type(), cut.name());
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "what is left of namespace " + cut.name() + " stays", e);
        }
    }

    /** Files in the daemon's own directories on which nothing was bound any more. */
    private void clearUnbound() {
        registry.names().stream()
                .filter(name -> name.type() != NamespaceType.NET && name.id() == null)
                .filter(name -> !declared.contains(name.type(), name.name()))
                .forEach(name -> registry.remove(name.type(), name.name()));
    }

    private boolean hasOtherName(long id, NamespaceRegistry.Name than) {
        return registry.names().stream()
                .filter(each -> !each.path().equals(than.path()))
                .anyMatch(each -> Objects.equals(each.id(), id));
    }

    private List<Integer> keepers(long id) {
        return proc.processes().stream()
                .filter(this::isKeeper)
                .filter(
                        pid ->
                                finder.ofProcess(pid, NamespaceType.PID)
                                        .filter(link -> link.id() == id)
                                        .isPresent())
                .toList();
    }

    private boolean isKeeper(int pid) {
        return ProcStat.read(proc, pid).filter(stat -> stat.command().equals(KEEPER)).isPresent();
    }

    private void restore(Declared each, boolean sameBoot) {
        boolean live = registry.look(each.type(), each.name()).id() != null;
        if (!live && sameBoot) {
            declared.removeUnless(each.type(), each.name(), () -> false);
            return;
        }
        if (!ids.take(each.ids())) {
            throw new IllegalStateException("its ids are another's");
        }
        if (!live) {
            registry.remove(each.type(), each.name());
            try {
                maker.make(each);
            } catch (RuntimeException e) {
                ids.giveBack(each.ids());
                throw e;
            }
        }
    }

    public void stop() {
        watch.stop();
        registry.close();
    }

    /** Somebody else has taken a name of a network namespace away: it is not to come back. */
    private void vanished(String name) {
        declared.removeUnless(
                NamespaceType.NET, name, () -> registry.exists(NamespaceType.NET, name));
    }

    /** Calls {@code listener} when a name of a network namespace has come or gone. */
    public Runnable onNames(Runnable listener) {
        return watch.listen(listener);
    }

    /** Makes a namespace, and gives it a name. */
    public HostNamespace create(Declared asked) {
        return changing(asked.type(), asked.name(), () -> createNow(asked));
    }

    /** Gives a name to a namespace that exists. */
    public HostNamespace adopt(Declared asked, Adoption what) {
        return changing(
                asked.type(),
                asked.name(),
                () -> {
                    adoptNow(asked, what);
                    return scans.inspect(asked.type().kernelName() + ":" + asked.name())
                            .namespace();
                });
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

    private HostNamespace createNow(Declared asked) {
        Integer keeper = make(asked);
        NamespaceRegistry.Name name = registry.look(asked.type(), asked.name());
        Long id = name.id();
        HostNamespace made = id == null ? null : scans.newScan().ofNew(name, id, keeper).get(id);
        if (made == null) { // somebody has taken it away already
            throw Problem.notFound("namespace", asked.name());
        }
        return made;
    }

    private @Nullable Integer make(Declared asked) {
        registry.requireFree(asked.type(), asked.name());
        Claims claims = new Claims();
        try {
            Declared whole = asked.type() == NamespaceType.USER ? withIds(asked) : asked;
            claims.add(() -> ids.giveBack(whole.ids()));
            declared.draft(whole);
            claims.add(() -> declared.discard(whole.type(), whole.name()));
            Integer keeper = maker.make(whole);
            claims.add(() -> registry.remove(whole.type(), whole.name()));
            if (keeper != null) {
                claims.add(() -> dismiss(keeper));
            }
            declared.commit(whole);
            claims.keep();
            return keeper;
        } catch (RuntimeException e) {
            throw claims.undo(e);
        }
    }

    private Declared withIds(Declared asked) {
        List<IdMapping> uids = asked.uidMappings();
        if (uids.isEmpty()) {
            long first = ids.take().orElseThrow(NamespaceNames::noIdsLeft);
            uids = List.of(new IdMapping(0, first, IdMapping.RANGE));
        } else if (!ids.take(asked.ids())) {
            throw Problem.invalid("uidMappings", "overlap the ids of a sandbox or a namespace");
        }
        return asked.with(uids, asked.gidMappings().isEmpty() ? uids : asked.gidMappings());
    }

    private static Problem noIdsLeft() {
        return new Problem(ProblemType.EXHAUSTED, "All id ranges are in use; delete sandboxes.");
    }

    private void adoptNow(Declared asked, Adoption what) {
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

    private Fd adopted(NamespaceType type, Adoption what) {
        return switch (what) {
            case Adoption.OfNamespace(long id) -> {
                HostScans.Located found = scans.locate(id);
                yield scans.open(found.all(), found.namespace());
            }
            case Adoption.OfProcess(int pid) -> ofProcess(type, pid);
            case Adoption.OfFile(String path) -> ofFile(path);
        };
    }

    private Fd ofProcess(NamespaceType type, int pid) {
        try (PidFd process = syscalls.pidfdOpen(pid)) {
            Fd namespace = finder.open(process.pid(), type);
            if (!syscalls.hasEnded(process)) {
                return namespace; // so the number was still its own
            }
            namespace.close();
            throw Problem.notFound("process", Integer.toString(pid));
        } catch (SyscallException e) {
            if (NamespaceThread.isGone(e) || e.errno() == Errno.EINVAL) {
                throw Problem.notFound("process", Integer.toString(pid));
            }
            if (e.errno() == Errno.EACCES || e.errno() == Errno.EPERM) {
                throw Problem.invalid(
                        "adopt.pid", "is of a process that the daemon may not look into");
            }
            throw e;
        }
    }

    private Fd ofFile(String path) {
        try (Fd file = syscalls.open(path, Syscalls.O_PATH, 0)) {
            if (calls.fileSystemType(file) != NamespaceCalls.NSFS_MAGIC) {
                throw Problem.invalid("adopt.path", "is no namespace");
            }
            return syscalls.open("/proc/self/fd/" + file.number(), Syscalls.O_RDONLY, 0);
        } catch (SyscallException e) {
            // Whatever the reason is, it is the path that was given.
            throw Problem.invalid("adopt.path", "cannot be opened: " + e.getMessage());
        }
    }

    /**
     * Takes a name away.
     *
     * @param expected checks the version before anything is done
     * @return the namespace, if it lives on
     * @throws Problem 409 when a sandbox uses it
     */
    public Optional<Left> delete(String reference, Consumer<HostNamespace> expected) {
        HostScans.Reference meant = scans.resolve(reference);
        Long id = meant.id();
        HostNamespace found = id == null ? null : scans.inspect(meant, id).get(id);
        if (found != null) {
            expected.accept(found);
        }
        NamespaceRegistry.Name name =
                meant.name() != null ? meant.name() : found == null ? null : found.name();
        return name == null
                ? delete(reference, null, found)
                : changing(name.type(), name.name(), () -> delete(reference, name, found));
    }

    /** A namespace that lives on without its name, and the scan that has found it. */
    public record Left(HostNamespace namespace, HostNamespaces all) {}

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
        Optional<Declared> was =
                name.type() == NamespaceType.NET
                        ? removeShared(reference, name)
                        : removeOwn(reference, name, found);
        was.ifPresent(each -> ids.giveBack(each.ids()));
        return found == null
                ? Optional.empty()
                : settled(new NamespaceLink(found.type(), found.id()));
    }

    /** Of the names that are shared with {@code ip netns}, which may take it away as well. */
    private Optional<Declared> removeShared(String reference, NamespaceRegistry.Name name) {
        boolean wasNamed = registry.remove(name.type(), name.name());
        Optional<Declared> was =
                declared.removeUnless(
                        name.type(), name.name(), () -> registry.exists(name.type(), name.name()));
        if (!wasNamed && was.isEmpty()) {
            throw Problem.notFound("namespace", reference);
        }
        return was;
    }

    /** The keeper goes before the name by which it is found. */
    private Optional<Declared> removeOwn(
            String reference, NamespaceRegistry.Name name, @Nullable HostNamespace found) {
        Optional<Declared> was = declared.withdraw(name.type(), name.name());
        if (found != null && found.type() == NamespaceType.PID && !hasOtherName(found.id(), name)) {
            found.holders().stream()
                    .filter(NamespaceNames::isKeeper)
                    .forEach(keeper -> dismiss(((Holder.Member) keeper).pid()));
        }
        boolean wasNamed = registry.remove(name.type(), name.name());
        declared.discard(name.type(), name.name());
        if (!wasNamed && was.isEmpty()) {
            throw Problem.notFound("namespace", reference);
        }
        return was;
    }

    private static boolean isKeeper(Holder holder) {
        return holder instanceof Holder.Member process && process.command().equals(KEEPER);
    }

    /** A keeper ends as soon as it is alone in its namespace. */
    private void dismiss(int pid) {
        try (PidFd keeper = syscalls.pidfdOpen(pid)) {
            if (isKeeper(pid)) {
                syscalls.pidfdSendSignal(keeper, Signal.TERM);
            }
        } catch (SyscallException e) {
            if (!NamespaceThread.isGone(e)) {
                throw e;
            }
        }
    }

    /** What holds it a moment after its name is gone; the kernel frees lazily. */
    private Optional<Left> settled(NamespaceLink link) {
        for (int i = 0; ; i++) {
            HostNamespaces all = scans.inspect(link);
            HostNamespace left = all.get(link.id());
            if (left == null || !isOnlyKept(left) || i == SETTLE_STEPS) {
                return Optional.ofNullable(left).map(still -> new Left(still, all));
            }
            LockSupport.parkNanos(SETTLE_NANOS);
        }
    }

    private static boolean isOnlyKept(HostNamespace namespace) {
        return !namespace.holders().isEmpty()
                && namespace.holders().stream().allMatch(NamespaceNames::isKeeper);
    }
}

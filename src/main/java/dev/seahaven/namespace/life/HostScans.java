package dev.seahaven.namespace.life;

import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.names.Declared;
import dev.seahaven.namespace.names.DeclaredNamespaces;
import dev.seahaven.namespace.names.NamespaceRegistry;
import dev.seahaven.namespace.scan.Holder;
import dev.seahaven.namespace.scan.HostNamespace;
import dev.seahaven.namespace.scan.HostNamespace.Manager;
import dev.seahaven.namespace.scan.HostNamespaces;
import dev.seahaven.namespace.scan.ManagerRecognition;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.namespace.scan.NamespaceScan;
import dev.seahaven.namespace.scan.ScanTools;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.text.Digits;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;

/** Finds namespaces of the host: all of them, or the one that a path names. */
public final class HostScans {

    /** Each keeps the carrier of a virtual thread; there are some more (Seahaven). */
    private static final int FEW = 2;

    private final ScanTools tools;
    private final NamespaceFinder finder;
    private final NamespaceRegistry registry;
    private final DeclaredNamespaces declared;
    private final NamespaceUsers users;
    private final SharedLook<HostNamespaces> shared;
    private final Semaphore few = new Semaphore(FEW, true);
    private final Set<Declared> notMadeAgain = ConcurrentHashMap.newKeySet();

    HostScans(ScanTools tools, DeclaredNamespaces declared, NamespaceUsers users) {
        this.tools = tools;
        this.shared = shared(this::look);
        this.finder = tools.finder();
        this.registry = finder.registry();
        this.declared = declared;
        this.users = users;
    }

    /** What was declared and could not be made again is told as stale until it is deleted. */
    void notMadeAgain(Declared each) {
        notMadeAgain.add(each);
    }

    /** Looks at the whole host; who asks meanwhile shares the next look. */
    public HostNamespaces scan() {
        return shared.get();
    }

    /** Something that is made of a look at the whole host, once for all who ask. */
    public <T> SharedLook<T> shared(Supplier<T> look) {
        return new SharedLook<>(tools.syscalls(), look);
    }

    /** Does what reads much of {@code /proc} for one caller; few do so at a time. */
    public <T extends @Nullable Object> T few(Supplier<T> look) {
        few.acquireUninterruptibly();
        try {
            return look.get();
        } finally {
            few.release();
        }
    }

    /** Those that have names, with nothing of the others but what owns them. */
    public HostNamespaces named() {
        return marked(few(() -> newScan().ofNames()));
    }

    private HostNamespaces look() {
        return marked(newScan().run());
    }

    private HostNamespaces marked(HostNamespaces scanned) {
        HostNamespaces found = scanned.withStale(declaredInVain());
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

    NamespaceScan newScan() {
        return new NamespaceScan(tools);
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

    /** Tells who made a namespace; for one request. */
    public Function<HostNamespace, @Nullable Manager> managers() {
        ManagerRecognition recognition = new ManagerRecognition(tools.proc());
        return namespace -> {
            NamespaceRegistry.Name name = namespace.name();
            return recognition.of(
                    namespace, name != null && declared.contains(name.type(), name.name()));
        };
    }

    /** What a path names: a number, a name, or {@code TYPE:NAME}. */
    public record Reference(@Nullable Long id, NamespaceRegistry.@Nullable Name name) {}

    /**
     * @throws Problem 404 where there is none, 409 where several types have the name
     */
    public Reference resolve(String reference) {
        List<NamespaceRegistry.Name> found = named(reference);
        OptionalLong number = Digits.number(reference);
        if (number.isPresent()
                && (found.isEmpty() || number.getAsLong() >= NamespaceLink.FIRST_NUMBER)) {
            return new Reference(number.getAsLong(), null);
        }
        if (found.isEmpty()) {
            throw Problem.notFound("namespace", reference);
        }
        if (found.size() > 1) {
            throw new Problem(
                            ProblemType.AMBIGUOUS_NAME,
                            "Namespaces of several types have the name '"
                                    + reference
                                    + "'; give TYPE:NAME.")
                    .with(
                            "candidates",
                            found.stream()
                                    .map(each -> each.type().kernelName() + ":" + each.name())
                                    .toList());
        }
        return new Reference(found.getFirst().id(), found.getFirst());
    }

    private List<NamespaceRegistry.Name> named(String reference) {
        List<NamespaceRegistry.Name> found = new ArrayList<>(registry.called(reference));
        declaredInVain().stream().filter(each -> each.isCalled(reference)).forEach(found::add);
        return found;
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

    private static long number(Reference meant, String reference) {
        if (meant.id() == null) {
            throw new Problem(
                    ProblemType.WRONG_STATE,
                    "The name '" + reference + "' is stale: no namespace is mounted on it.");
        }
        return meant.id();
    }

    private static HostNamespace get(HostNamespaces all, Reference meant, String reference) {
        HostNamespace found = all.get(number(meant, reference));
        if (found == null) {
            throw Problem.notFound("namespace", reference);
        }
        return meant.name() == null ? found : found.calledBy(meant.name());
    }

    /**
     * What one namespace is and who is in it, without its other holders.
     *
     * @throws Problem 404 where there is none, 409 where the name is stale
     */
    public Located locate(String reference) {
        return locate(resolve(reference), reference);
    }

    /**
     * The same, by its number alone.
     *
     * @throws Problem 404 where there is none
     */
    Located locate(long id) {
        return locate(new Reference(id, null), Long.toString(id));
    }

    private Located locate(Reference meant, String reference) {
        long id = number(meant, reference);
        HostNamespaces all = look(meant, id, (scan, link) -> scan.ofOne(link, meant.name()));
        return all == null || all.get(id) == null
                ? inspect(meant, reference) // nobody is in it, or there is none
                : new Located(get(all, meant, reference), all);
    }

    /** Null where it is asked for by its number, and no process is in it. */
    private @Nullable HostNamespaces look(
            Reference meant,
            long id,
            BiFunction<NamespaceScan, NamespaceLink, HostNamespaces> look) {
        return few(
                () -> {
                    NamespaceScan scan = newScan();
                    Optional<NamespaceType> type =
                            meant.name() == null
                                    ? scan.typeOf(id)
                                    : Optional.of(meant.name().type());
                    return type.map(known -> look.apply(scan, new NamespaceLink(known, id)))
                            .orElse(null);
                });
    }

    /**
     * What one namespace is, and everything that holds it.
     *
     * @throws Problem 404 where there is none, 409 where the name is stale
     */
    public Located inspect(String reference) {
        return inspect(resolve(reference), reference);
    }

    private Located inspect(Reference meant, String reference) {
        HostNamespaces all = inspect(meant, number(meant, reference));
        return new Located(get(all, meant, reference), all);
    }

    /** Where no process is in it, only a look at everything tells what kind it is. */
    HostNamespaces inspect(Reference meant, long id) {
        HostNamespaces all = look(meant, id, NamespaceScan::ofOneWithHolders);
        return all == null ? scan() : marked(all);
    }

    /** The same, of one whose type is known. */
    HostNamespaces inspect(NamespaceLink link) {
        return marked(few(() -> newScan().ofOneWithHolders(link)));
    }

    /** A namespace, and what it was found among. */
    public record Located(HostNamespace namespace, HostNamespaces all) {}

    /** Opens one that a scan has found. */
    public Fd open(HostNamespaces all, HostNamespace namespace) {
        try {
            return tools.opener().open(all, namespace);
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
        return locate(reference).namespace().id();
    }
}

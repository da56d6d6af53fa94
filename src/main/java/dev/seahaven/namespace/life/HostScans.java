package dev.seahaven.namespace.life;

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
import dev.seahaven.namespace.scan.NamespaceOpener;
import dev.seahaven.namespace.scan.NamespaceScan;
import dev.seahaven.namespace.scan.PreparedNetwork;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Stream;

/** Finds namespaces of the host: all of them, or the one that a path names. */
public final class HostScans {

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final NamespaceRegistry registry;
    private final NamespaceOpener opener;
    private final PreparedNetwork network;
    private final DeclaredNamespaces declared;
    private final NamespaceUsers users;
    private final SharedScans shared = new SharedScans(this::look);
    private final Set<Declared> notMadeAgain = ConcurrentHashMap.newKeySet();

    HostScans(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            NamespaceOpener opener,
            PreparedNetwork network,
            DeclaredNamespaces declared,
            NamespaceUsers users) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.proc = proc;
        this.finder = finder;
        this.registry = finder.registry();
        this.opener = opener;
        this.network = network;
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

    private HostNamespaces look() {
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

    NamespaceScan newScan() {
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

    /** Tells who made a namespace; for one request. */
    public Function<HostNamespace, @Nullable Manager> managers() {
        ManagerRecognition recognition = new ManagerRecognition(proc);
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
    public HostNamespace get(HostNamespaces all, String reference) {
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
    public Fd open(HostNamespaces all, HostNamespace namespace) {
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
}

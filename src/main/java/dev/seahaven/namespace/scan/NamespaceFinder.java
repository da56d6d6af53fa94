package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.names.NamespaceRegistry;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.Reading;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.Digits;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Finds namespaces by number, among those of processes, and by name, where {@code ip netns} and the
 * daemon keep names.
 */
public final class NamespaceFinder {

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final ProcRoot proc;
    private final NamespaceRegistry registry;

    /**
     * @param names directory of the names of types other than net: one directory for each type
     * @param netNames directory of the names of network namespaces
     */
    public NamespaceFinder(
            Syscalls syscalls, NamespaceCalls calls, ProcRoot proc, Path names, Path netNames) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.proc = proc;
        this.registry = new NamespaceRegistry(syscalls, calls, names, netNames);
    }

    /** Where the names are. */
    public NamespaceRegistry registry() {
        return registry;
    }

    /** A namespace of a process, if both are there and may be seen. */
    public Optional<NamespaceLink> ofProcess(int pid, NamespaceType type) {
        return look(pid, type).ifVisible();
    }

    /** The same, with the reason where there is none. */
    public Reading<NamespaceLink> look(Object process, NamespaceType type) {
        return proc.link(process + "/ns/" + type.kernelName())
                .map(
                        text ->
                                NamespaceLink.parse(text)
                                        .orElseThrow(
                                                () ->
                                                        new IllegalStateException(
                                                                "no link of a namespace: "
                                                                        + text)));
    }

    /** Those of all types of a process that are there and may be seen. */
    Map<NamespaceType, NamespaceLink> allOf(int pid) {
        Map<NamespaceType, NamespaceLink> found = new EnumMap<>(NamespaceType.class);
        for (NamespaceType type : NamespaceType.values()) {
            ofProcess(pid, type).ifPresent(link -> found.put(type, link));
        }
        return found;
    }

    /** The daemon's own: what "the host's" means where pid 1's cannot be read. */
    public Optional<NamespaceLink> own(NamespaceType type) {
        return look("thread-self", type).ifVisible();
    }

    /** What "the host's" means: that of process 1, or the daemon's own where it cannot be read. */
    public Optional<NamespaceLink> hosts(NamespaceType type) {
        return ofProcess(1, type).or(() -> own(type));
    }

    /**
     * A link such as {@code ns/net} below the directory of a process, which is held, so that it
     * never is another's; nothing where the process ends.
     *
     * @throws SyscallException EACCES where it may not be read
     */
    public Optional<NamespaceLink> link(Fd process, String path) {
        try {
            return NamespaceLink.parse(syscalls.readlinkat(process, path));
        } catch (SyscallException e) {
            if (NamespaceThread.isGone(e)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Opens a namespace of a process. */
    public Fd open(int pid, NamespaceType type) {
        return syscalls.open(
                proc.path() + "/" + pid + "/ns/" + type.kernelName(), Syscalls.O_RDONLY, 0);
    }

    /** Opens the daemon's own. */
    public Fd openOwn(NamespaceType type) {
        return syscalls.open(
                proc.path() + "/thread-self/ns/" + type.kernelName(), Syscalls.O_RDONLY, 0);
    }

    /**
     * Opens a namespace by number or name.
     *
     * @throws Problem 404 where there is none, 409 where it is of another type
     */
    public Fd open(NamespaceType type, String reference) {
        List<NamespaceRegistry.Name> named = registry.called(reference);
        OptionalLong number = Digits.number(reference);
        return number.isPresent()
                        && (named.isEmpty() || number.getAsLong() >= NamespaceLink.FIRST_NUMBER)
                ? openNumbered(type, number.getAsLong())
                : openNamed(type, reference, named);
    }

    private Fd openNumbered(NamespaceType type, long id) {
        for (int pid : proc.processes()) {
            for (NamespaceType candidate : NamespaceType.values()) {
                if (!isMember(pid, candidate, id)) {
                    continue;
                }
                if (candidate != type) {
                    throw wrongType(Long.toString(id), candidate, type);
                }
                try {
                    return checked(open(pid, type), id);
                } catch (SyscallException e) {
                    if (!NamespaceThread.isGone(e)) {
                        throw e;
                    }
                    // The process ended in between; another may be in the namespace.
                }
            }
        }
        throw Problem.notFound("namespace", Long.toString(id));
    }

    /** A process that is a member of a namespace. */
    public Optional<Integer> member(NamespaceType type, long id) {
        return proc.processes().stream().filter(pid -> isMember(pid, type, id)).findFirst();
    }

    private boolean isMember(int pid, NamespaceType type, long id) {
        return ofProcess(pid, type).filter(link -> link.id() == id).isPresent();
    }

    /** The number of a process may have become another's since it was looked at. */
    private Fd checked(Fd namespace, long id) {
        if (syscalls.fstat(namespace).inode() != id) {
            namespace.close();
            throw new SyscallException("open(namespace)", Errno.ESRCH);
        }
        return namespace;
    }

    private Fd openNamed(NamespaceType type, String reference, List<NamespaceRegistry.Name> named) {
        for (NamespaceRegistry.Name name : named) {
            if (name.type() == type && name.id() != null) { // else it is stale
                try {
                    return checked(syscalls.open(name.path(), Syscalls.O_RDONLY, 0), name.id());
                } catch (SyscallException e) {
                    if (!NamespaceThread.isGone(e)) {
                        throw e;
                    }
                    // It has just been taken away.
                }
            }
        }
        throw named.stream()
                .filter(name -> name.type() != type && name.id() != null)
                .findFirst()
                .map(name -> wrongType(reference, name.type(), type))
                .orElseGet(() -> Problem.notFound("namespace", reference));
    }

    private static Problem wrongType(String reference, NamespaceType is, NamespaceType wanted) {
        return new Problem(
                ProblemType.WRONG_NAMESPACE_TYPE,
                "The namespace '"
                        + reference
                        + "' is of type "
                        + is.kernelName()
                        + ", but "
                        + wanted.kernelName()
                        + " is needed here.");
    }

    /** In which namespace of a type a process is, and whether it is the host's. */
    public Reading<Membership> membership(int pid, NamespaceType type) {
        return look(pid, type)
                .map(
                        link -> {
                            boolean isolated = hosts(type).filter(link::equals).isEmpty();
                            return new Membership(
                                    type,
                                    link.id(),
                                    isolated,
                                    isolated && type != NamespaceType.USER
                                            ? otherOwner(pid, type)
                                            : null);
                        });
    }

    /** The namespaces of a process, as far as they can be seen. */
    public List<Membership> memberships(int pid) {
        return Arrays.stream(NamespaceType.values())
                .flatMap(type -> membership(pid, type).ifVisible().stream())
                .toList();
    }

    /** The owner of a namespace of a process, where that is not the user namespace it is in. */
    private @Nullable Long otherOwner(int pid, NamespaceType type) {
        try (Fd namespace = open(pid, type)) {
            Optional<NamespaceLink> user = ofProcess(pid, NamespaceType.USER);
            return owner(namespace)
                    .filter(owner -> user.map(link -> link.id() != owner).orElse(true))
                    .orElse(null);
        } catch (SyscallException e) {
            if (NamespaceThread.isGone(e) || isDenied(e)) {
                return null;
            }
            throw e;
        }
    }

    private static boolean isDenied(SyscallException failure) {
        return failure.errno() == Errno.EACCES || failure.errno() == Errno.EPERM;
    }

    /** The number of the user namespace that owns another; empty where it is out of sight. */
    public Optional<Long> owner(Fd namespace) {
        try (Fd userns = calls.nsGetUserns(namespace)) {
            return Optional.of(syscalls.fstat(userns).inode());
        } catch (SyscallException e) {
            if (isDenied(e)) {
                return Optional.empty();
            }
            throw e;
        }
    }
}

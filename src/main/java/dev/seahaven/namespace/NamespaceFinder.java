package dev.seahaven.namespace;

import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.web.Problem;
import dev.seahaven.web.ProblemType;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.Optional;

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
    NamespaceRegistry registry() {
        return registry;
    }

    /** A namespace of a process, if both are there and may be seen. */
    public Optional<NamespaceLink> ofProcess(int pid, NamespaceType type) {
        return proc.readLink(pid + "/ns/" + type.kernelName()).flatMap(NamespaceLink::parse);
    }

    /** The daemon's own: what "the host's" means where pid 1's cannot be read. */
    public Optional<NamespaceLink> own(NamespaceType type) {
        return proc.readLink("thread-self/ns/" + type.kernelName()).flatMap(NamespaceLink::parse);
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
            return NamespaceLink.parse(calls.readlinkat(process, path));
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
                proc.path().resolve(pid + "/ns/" + type.kernelName()).toString(),
                Syscalls.O_RDONLY,
                0);
    }

    /** Opens the daemon's own. */
    public Fd openOwn(NamespaceType type) {
        return syscalls.open(
                proc.path().resolve("thread-self/ns/" + type.kernelName()).toString(),
                Syscalls.O_RDONLY,
                0);
    }

    /**
     * Opens a namespace by number or name.
     *
     * @throws Problem 404 where there is none, 409 where it is of another type
     */
    public Fd open(NamespaceType type, String reference) {
        return reference.chars().allMatch(Character::isDigit)
                ? openNumbered(type, Long.parseLong(reference))
                : openNamed(type, reference);
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

    private Fd openNamed(NamespaceType type, String name) {
        Fd found = tryOpen(type, name);
        if (found != null) {
            return found;
        }
        for (NamespaceType other : NamespaceType.values()) {
            try (Fd elsewhere = tryOpen(other, name)) {
                if (elsewhere != null) {
                    throw wrongType(name, other, type);
                }
            }
        }
        throw Problem.notFound("namespace", name);
    }

    private @Nullable Fd tryOpen(NamespaceType type, String name) {
        NamespaceRegistry.Name found = registry.look(type, name);
        if (found.id() == null) {
            return null; // there is none, or it is stale
        }
        try {
            return checked(syscalls.open(found.path(), Syscalls.O_RDONLY, 0), found.id());
        } catch (SyscallException e) {
            if (NamespaceThread.isGone(e)) {
                return null; // it has just been taken away
            }
            throw e;
        }
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

    /**
     * The number of the user namespace that owns a namespace of a process.
     *
     * @param user that the process is in
     * @return null where that owns it, or where the process has just ended
     */
    public @Nullable Long otherOwner(int pid, NamespaceType type, Optional<NamespaceLink> user) {
        try (Fd namespace = open(pid, type)) {
            return owner(namespace)
                    .filter(owner -> user.map(link -> link.id() != owner).orElse(true))
                    .orElse(null);
        } catch (SyscallException e) {
            return null;
        }
    }

    /** The number of the user namespace that owns another, if the daemon may see it. */
    public Optional<Long> owner(Fd namespace) {
        try (Fd userns = calls.nsGetUserns(namespace)) {
            return Optional.of(syscalls.fstat(userns).inode());
        } catch (SyscallException e) {
            return Optional.empty();
        }
    }
}

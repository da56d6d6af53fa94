package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Opens a namespace from where it was seen. What comes back is the namespace that was meant, or
 * nothing: a process may have ended and its number be another's.
 */
public final class NamespaceOpener {

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final ProcRoot proc;
    private final ForeignSockets sockets;
    private final NamespaceThread threads;

    public NamespaceOpener(
            Syscalls syscalls, NamespaceCalls calls, ProcRoot proc, NamespaceThread threads) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.proc = proc;
        this.threads = threads;
        this.sockets = new ForeignSockets(syscalls, calls);
    }

    ForeignSockets sockets() {
        return sockets;
    }

    /**
     * Opens it, for {@code all} is where it was found.
     *
     * @throws SyscallException ESRCH when it is not there any more
     */
    public Fd open(HostNamespaces all, HostNamespace namespace) {
        SyscallException failure = gone();
        for (Source source : List.copyOf(namespace.sources())) {
            try {
                return open(all, namespace, source);
            } catch (SyscallException e) {
                if (e.tellsNothing()) {
                    throw e;
                }
                failure = e;
            }
        }
        throw failure;
    }

    private Fd open(HostNamespaces all, HostNamespace namespace, Source source) {
        Fd found =
                switch (source) {
                    case Source.Link link -> path(link.pid() + "/" + link.path());
                    case Source.Mount mount -> mount(mount.pid(), mount.point());
                    case Source.MountIn mount -> mountIn(all, mount);
                    case Source.Socket socket ->
                            sockets.open(new ForeignSockets.Place(socket.pid(), socket.fd()));
                    case Source.Above above -> above(all, above);
                    case Source.MountList ignored -> fromList(namespace.id());
                };
        if (syscalls.fstat(found).inode() != namespace.id()) {
            found.close();
            throw gone();
        }
        return found;
    }

    private static SyscallException gone() {
        return new SyscallException("open(namespace)", Errno.ESRCH);
    }

    private Fd path(String path) {
        return syscalls.open(proc.path() + "/" + path, Syscalls.O_RDONLY, 0);
    }

    /** What lies at a mount point, whose path is another's: no link of it leads out. */
    Fd mount(int pid, String point) {
        try (Fd root = syscalls.open(proc.path() + "/" + pid + "/root", Syscalls.O_PATH, 0)) {
            return namespaceAt(root, point);
        }
    }

    private Fd namespaceAt(Fd root, String point) {
        String path = point.substring(1).isEmpty() ? "." : point.substring(1);
        long resolve = Syscalls.RESOLVE_IN_ROOT | Syscalls.RESOLVE_NO_MAGICLINKS;
        try (Fd found = syscalls.openat2(root, path, Syscalls.O_PATH, resolve)) {
            if (calls.fileSystemType(found) != NamespaceCalls.NSFS_MAGIC) {
                throw gone(); // something else is mounted over it
            }
            return syscalls.open("/proc/thread-self/fd/" + found.number(), Syscalls.O_RDONLY, 0);
        }
    }

    private Fd mountIn(HostNamespaces all, Source.MountIn mount) {
        HostNamespace mounts = all.get(mount.mountNamespace());
        if (mounts == null) {
            throw gone();
        }
        try (Fd descriptors = syscalls.open("/proc/thread-self/fd", Syscalls.O_PATH, 0);
                Fd mountns = open(all, mounts)) {
            return threads.in(
                    NamespaceType.MNT,
                    mountns,
                    () -> {
                        try (Fd root = syscalls.open("/", Syscalls.O_PATH, 0);
                                Fd found =
                                        syscalls.openat2(
                                                root,
                                                mount.point().substring(1),
                                                Syscalls.O_PATH,
                                                Syscalls.RESOLVE_IN_ROOT)) {
                            if (calls.fileSystemType(found) != NamespaceCalls.NSFS_MAGIC) {
                                throw gone();
                            }
                            return syscalls.openat2(
                                    descriptors,
                                    Integer.toString(found.number()),
                                    Syscalls.O_RDONLY,
                                    0);
                        }
                    });
        }
    }

    private Fd above(HostNamespaces all, Source.Above above) {
        HostNamespace below = all.get(above.id());
        if (below == null) {
            throw gone();
        }
        try (Fd open = open(all, below)) {
            return above.owner() ? calls.nsGetUserns(open) : calls.nsGetParent(open);
        }
    }

    /** The kernel keeps all mount namespaces in one list, in the order in which they were made. */
    private Fd fromList(long id) {
        return fromList(id, calls::nsMntGetNext)
                .or(() -> fromList(id, calls::nsMntGetPrev))
                .orElseThrow(NamespaceOpener::gone);
    }

    private Optional<Fd> fromList(long id, Function<Fd, Optional<Fd>> neighbour) {
        Fd at = path("thread-self/ns/mnt");
        while (true) {
            Optional<Fd> next;
            try (Fd last = at) {
                next = neighbour.apply(last);
            }
            if (next.isEmpty() || syscalls.fstat(next.get()).inode() == id) {
                return next;
            }
            at = next.get();
        }
    }
}

package dev.seahaven.namespace.names;

import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Names of namespaces: files on which they are bound. The directories are the registry; that of the
 * network namespaces is shared with {@code ip netns}.
 */
public final class NamespaceRegistry {

    /**
     * @param id null where the file is no namespace
     */
    public record Name(NamespaceType type, String name, String path, @Nullable Long id) {

        /** Whether a reference means it: its name, or {@code TYPE:NAME}. */
        public boolean isCalled(String reference) {
            return reference.equals(name) || reference.equals(type.kernelName() + ":" + name);
        }
    }

    private static final int NAME_MAX = 255;
    private static final int LOCK_TRIES = 200;
    private static final long LOCK_PAUSE_NANOS = 5_000_000;

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final Path names;
    private final Path netNames;

    public NamespaceRegistry(Syscalls syscalls, NamespaceCalls calls, Path names, Path netNames) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.names = names;
        this.netNames = netNames;
    }

    public Path directory(NamespaceType type) {
        return type == NamespaceType.NET ? netNames : names.resolve(type.kernelName());
    }

    private String path(NamespaceType type, String name) {
        return directory(type) + "/" + name;
    }

    /** All there are, by type and name. */
    public List<Name> names() {
        List<Name> found = new ArrayList<>();
        for (NamespaceType type : NamespaceType.values()) {
            entries(type).stream().sorted().forEach(name -> found.add(look(type, name)));
        }
        return found;
    }

    private List<String> entries(NamespaceType type) {
        try {
            return syscalls.list(directory(type).toString());
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT) {
                return List.of();
            }
            throw e;
        }
    }

    /** What a name is now. */
    public Name look(NamespaceType type, String name) {
        String path = path(type, name);
        try (Fd file = syscalls.open(path, Syscalls.O_PATH, 0)) {
            boolean live = calls.fileSystemType(file) == NamespaceCalls.NSFS_MAGIC;
            return new Name(type, name, path, live ? syscalls.fstat(file).inode() : null);
        } catch (SyscallException e) {
            if (e.errno() != Errno.ENOENT
                    && e.errno() != Errno.ENOTDIR
                    && e.errno() != Errno.ELOOP) {
                throw e; // a name that cannot be looked at is not a stale one
            }
            return new Name(type, name, path, null);
        }
    }

    /** Those that a reference means: a name, or {@code TYPE:NAME}. */
    public List<Name> called(String reference) {
        List<Name> found = new ArrayList<>();
        for (NamespaceType type : NamespaceType.values()) {
            String prefix = type.kernelName() + ":";
            for (String name :
                    reference.startsWith(prefix)
                            ? List.of(reference, reference.substring(prefix.length()))
                            : List.of(reference)) {
                if (isName(name) && exists(type, name)) {
                    found.add(look(type, name));
                }
            }
        }
        return found;
    }

    /** Whether a file can have this name. */
    private static boolean isName(String name) {
        return !name.isEmpty()
                && !name.equals(".")
                && !name.equals("..")
                && name.indexOf('/') < 0
                && name.indexOf('\0') < 0
                && KernelText.encode(name).length <= NAME_MAX;
    }

    public boolean exists(NamespaceType type, String name) {
        try (Fd directory = syscalls.open(directory(type).toString(), Syscalls.O_PATH, 0)) {
            return syscalls.exists(directory, name);
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT) {
                return false;
            }
            throw e;
        }
    }

    /** What binds a namespace on the file of its name. */
    @FunctionalInterface
    public interface Binding {
        void on(String path);
    }

    /**
     * Makes a name. The bind comes last, so that whoever sees the mount sees a namespace that is
     * ready.
     *
     * @throws Problem 409 when the name is taken, also by another program
     */
    public void add(NamespaceType type, String name, Binding binding) {
        prepare(type);
        String path = path(type, name);
        try {
            syscalls.open(path, Syscalls.O_RDONLY | Syscalls.O_CREAT | Syscalls.O_EXCL, 0).close();
        } catch (SyscallException e) {
            throw e.errno() == Errno.EEXIST ? taken(type, name) : e;
        }
        try {
            binding.on(path);
        } catch (RuntimeException e) {
            try {
                remove(type, name);
            } catch (SyscallException undo) {
                e.addSuppressed(undo);
            }
            throw e;
        }
    }

    /**
     * @throws Problem 409 when the name is taken
     */
    public void requireFree(NamespaceType type, String name) {
        if (exists(type, name)) {
            throw taken(type, name);
        }
    }

    private static Problem taken(NamespaceType type, String name) {
        return new Problem(
                ProblemType.NAME_TAKEN,
                "A "
                        + type.kernelName()
                        + " namespace '"
                        + name
                        + "' exists; choose another name.");
    }

    public void bind(String source, String path) {
        calls.mount(source, path, "none", NamespaceCalls.MS_BIND, null);
    }

    /**
     * Takes a name away, as {@code ip netns delete} does.
     *
     * @return whether it was there
     */
    public boolean remove(NamespaceType type, String name) {
        String path = path(type, name);
        try {
            calls.umount2(path, NamespaceCalls.MNT_DETACH);
        } catch (SyscallException e) {
            if (e.errno() != Errno.EINVAL && e.errno() != Errno.ENOENT) {
                throw e;
            }
            // A stale file is no mount.
        }
        try {
            syscalls.unlink(path);
            return true;
        } catch (SyscallException e) {
            return switch (e.errno()) {
                case ENOENT, ENOTDIR -> false;
                case EISDIR -> removeDirectory(path);
                default -> throw e;
            };
        }
    }

    private boolean removeDirectory(String path) {
        try {
            syscalls.rmdir(path);
            return true;
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOTEMPTY || e.errno() == Errno.EEXIST) {
                throw new Problem(
                        ProblemType.WRONG_STATE,
                        path + " is a directory with files in it; remove it by hand.");
            }
            throw e;
        }
    }

    private void prepare(NamespaceType type) {
        if (type == NamespaceType.NET) {
            shareNetNames();
            return;
        }
        FileCalls.makeDirectory(syscalls, names.toString(), 0700);
        try (Fd lock = locked(names)) {
            lock.number(); // held to the end of the block
            if (!isMountPoint()) {
                // A mnt namespace cannot be bound on a shared mount.
                calls.mount(
                        names.toString(), names.toString(), "none", NamespaceCalls.MS_BIND, null);
                calls.mount("", names.toString(), "none", NamespaceCalls.MS_PRIVATE, null);
            }
        }
        FileCalls.makeDirectory(syscalls, directory(type).toString(), 0700);
    }

    private boolean isMountPoint() {
        try {
            calls.mount("", names.toString(), "none", NamespaceCalls.MS_PRIVATE, null);
            return true;
        } catch (SyscallException e) {
            if (e.errno() == Errno.EINVAL) {
                return false;
            }
            throw e;
        }
    }

    /** The steps of {@code ip netns add} (iproute2, ip/ipnetns.c). */
    private void shareNetNames() {
        String path = netNames.toString();
        if (!netNames.toFile().isDirectory()) {
            FileCalls.makeDirectory(syscalls, netNames.toString(), 0755);
        }
        try (Fd lock = locked(netNames)) {
            lock.number(); // held to the end of the block
            try {
                share(path);
            } catch (SyscallException e) {
                if (e.errno() != Errno.EINVAL) {
                    throw e;
                }
                long recursive = NamespaceCalls.MS_REC;
                calls.mount(path, path, "none", NamespaceCalls.MS_BIND | recursive, null);
                calls.mount(path, path, "none", NamespaceCalls.MS_PRIVATE | recursive, null);
                share(path);
            }
        }
    }

    private void share(String path) {
        calls.mount("", path, "none", NamespaceCalls.MS_SHARED | NamespaceCalls.MS_REC, null);
    }

    private Fd locked(Path directory) {
        Fd open = syscalls.open(directory.toString(), Syscalls.O_RDONLY | Syscalls.O_DIRECTORY, 0);
        for (int i = 0; i < LOCK_TRIES && !syscalls.tryFlock(open); i++) {
            LockSupport.parkNanos(LOCK_PAUSE_NANOS);
        }
        return open; // as ip netns: whoever holds the lock for ever holds nobody up
    }

    /** Gives the daemon's own directory back when no name is in it. */
    public void close() {
        if (names().stream().anyMatch(name -> name.type() != NamespaceType.NET)) {
            return;
        }
        try {
            calls.umount2(names.toString(), NamespaceCalls.MNT_DETACH);
        } catch (SyscallException e) {
            // It was never used.
        }
    }
}

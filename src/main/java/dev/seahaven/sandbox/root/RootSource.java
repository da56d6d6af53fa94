package dev.seahaven.sandbox.root;

import dev.seahaven.ids.Accounts;
import dev.seahaven.ids.Mappings;
import dev.seahaven.launcher.LaunchPlan.RootKind;
import dev.seahaven.mount.Paths;
import dev.seahaven.mount.RootDefaults;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.problem.Problem;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.spec.SandboxSettings;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where a sandbox's root comes from: checks of directories of the host, and what is read in them.
 */
public final class RootSource implements AutoCloseable {

    private static final int S_IXOTHERS = 0011;
    private static final int ACCOUNTS_MAX = 1 << 20;

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final String stateDirectory;
    private final String runDirectory;
    private final NeededMounts needed;

    public RootSource(Syscalls syscalls, ProcRoot proc, SandboxSettings settings) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.stateDirectory = settings.stateDirectory().toString();
        this.runDirectory = settings.runDirectory().toString();
        this.needed = new NeededMounts(syscalls, proc);
    }

    @Override
    public void close() {
        needed.close();
    }

    /** What {@code wire.h} calls the kind of a root. */
    public static RootKind kind(SandboxSpec spec) {
        if (!spec.isNew(NamespaceType.MNT)) {
            return RootKind.NONE;
        }
        return spec.rootfs() == null || spec.rootfs().ephemeral()
                ? RootKind.OVERLAY
                : RootKind.TREE;
    }

    /** Whether what a sandbox writes is kept in the state directory. */
    public static boolean isOnDisk(SandboxSpec spec) {
        return kind(spec) == RootKind.OVERLAY && spec.limits().diskBytes() == null;
    }

    public static boolean isReadOnly(SandboxSpec spec) {
        return spec.rootfs() != null && spec.rootfs().readOnly();
    }

    /**
     * The host's own {@code /}, by name or by default: an overlay over it has prepared directories
     * and is never id-mapped.
     */
    public static boolean isHostRoot(SandboxSpec spec) {
        return spec.rootfs() == null || spec.rootfs().path().equals("/");
    }

    /**
     * A tree that holds the daemon's own state is shown with the host's owners, like the host's
     * root.
     */
    public boolean isIdMapped(SandboxSpec spec, Mappings mappings) {
        return spec.rootfs() != null && !mappings.isIdentity() && !holdsState(spec);
    }

    /** Whether its root was asked for, and what the daemon keeps lies in it. */
    public boolean holdsState(SandboxSpec spec) {
        return spec.rootfs() != null && holdsState(spec.rootfs().path());
    }

    private boolean holdsState(String path) {
        return Stream.of(stateDirectory, runDirectory).anyMatch(own -> Paths.isWithin(own, path));
    }

    /**
     * Checks a root that was asked for against the host.
     *
     * @throws Problem 400 with what is wrong
     */
    public void check(SandboxSpec spec) {
        SandboxSpec.Rootfs rootfs = spec.rootfs();
        if (rootfs == null) {
            return;
        }
        String path = rootfs.path();
        if (Paths.isWithin(path, stateDirectory) || Paths.isWithin(path, runDirectory)) {
            throw Problem.invalid("rootfs.path", "lies in the daemon's own state");
        }
        if (!rootfs.ephemeral() && holdsState(path)) {
            throw Problem.invalid(
                    "rootfs.path", "holds the daemon's own state; this needs ephemeral");
        }
        try (Fd root = open(rootfs)) {
            if (!syscalls.fstat(root).isDirectory()) {
                throw Problem.invalid("rootfs.path", "is not a directory");
            }
            checkMountPoints(root, !rootfs.ephemeral() && rootfs.readOnly());
        }
        if (!rootfs.ephemeral() && !rootfs.readOnly() && isReachableByOthers(path)) {
            throw Problem.invalid(
                    "rootfs.path",
                    "can be reached by other users of the host, who could run what the sandbox"
                            + " writes; put it below a directory of root with mode 0700, or give"
                            + " ephemeral or readOnly");
        }
    }

    private void checkMountPoints(Fd root, boolean readOnly) {
        for (String directory : RootDefaults.MOUNT_POINTS) {
            try (Fd point =
                    syscalls.openat2(root, directory, Syscalls.O_PATH, Syscalls.RESOLVE_IN_ROOT)) {
                if (!syscalls.fstat(point).isDirectory()) {
                    throw Problem.invalid(
                            "rootfs.path", "has no directory, but a file /" + directory);
                }
            } catch (SyscallException e) {
                if (e.errno() != Errno.ENOENT) {
                    throw e;
                }
                if (readOnly) {
                    throw Problem.invalid(
                            "rootfs.path",
                            "lacks the directory /" + directory + ", and is readOnly");
                }
            }
        }
    }

    private Fd open(SandboxSpec.Rootfs rootfs) {
        try {
            return syscalls.openat2(
                    Fd.AT_FDCWD, rootfs.path(), Syscalls.O_PATH, Syscalls.RESOLVE_NO_SYMLINKS);
        } catch (SyscallException e) {
            throw switch (e.errno()) {
                case ENOENT, ENOTDIR -> Problem.invalid("rootfs.path", "does not exist");
                case ELOOP ->
                        Problem.invalid(
                                "rootfs.path",
                                "is or goes through a symbolic link; give the path it leads to");
                case ENAMETOOLONG -> Problem.invalid("rootfs.path", "is too long");
                default -> e;
            };
        }
    }

    /** Only a directory above it keeps others out: its own mode is for the sandbox to change. */
    private boolean isReachableByOthers(String path) {
        for (String above = path; !above.equals("/"); ) {
            above = above.substring(0, Math.max(above.lastIndexOf('/'), 1));
            try (Fd directory =
                    syscalls.openat2(
                            Fd.AT_FDCWD, above, Syscalls.O_PATH, Syscalls.RESOLVE_NO_SYMLINKS)) {
                FileCalls.Stat stat = syscalls.fstat(directory);
                if (stat.uid() == 0 && (stat.mode() & S_IXOTHERS) == 0) {
                    return false;
                }
            }
        }
        return true;
    }

    /**
     * A detached copy of the mount, for a launch; null for the host's own root, which the launcher
     * has.
     */
    public @Nullable Fd tree(SandboxSpec spec) {
        SandboxSpec.Rootfs rootfs = spec.rootfs();
        if (rootfs == null || isHostRoot(spec)) {
            return null;
        }
        try (Fd root = open(rootfs)) {
            return syscalls.openTree(root, "", Syscalls.OPEN_TREE_CLONE | Syscalls.AT_EMPTY_PATH);
        }
    }

    /**
     * The file systems that an overlay over {@code /} lacks and that a sandbox needs, the outer
     * ones first.
     */
    public List<MountInfo> neededMounts(SandboxSpec spec) {
        if (!isHostRoot(spec) || kind(spec) != RootKind.OVERLAY) {
            return List.of();
        }
        return needed.get();
    }

    /** The type of the file system that holds a path, such as {@code ext4}. */
    public String fileSystem(String path) {
        return MountInfo.read(proc).stream()
                .filter(mount -> Paths.isWithin(path, mount.mountPoint()))
                .max(Comparator.comparingInt(mount -> mount.mountPoint().length()))
                .map(MountInfo::fileSystem)
                .orElse("unknown");
    }

    /**
     * The accounts of a root.
     *
     * @param pid of a process in the mount namespace that is shared, or null
     */
    public Accounts accounts(SandboxSpec spec, @Nullable Integer pid) {
        String path =
                pid != null
                        ? proc.path() + "/" + pid + "/root"
                        : spec.rootfs() == null ? "/" : spec.rootfs().path();
        try (Fd root = syscalls.open(path, Syscalls.O_PATH | Syscalls.O_DIRECTORY, 0)) {
            return Accounts.parse(read(root, "etc/passwd"), read(root, "etc/group"));
        }
    }

    /** The image decides what stands there; what is no plain file is as good as absent. */
    private String read(Fd root, String file) {
        try {
            return KernelText.decode(syscalls.readForeignFile(root, file, ACCOUNTS_MAX));
        } catch (SyscallException e) {
            if (e.tellsNothing()) {
                throw e;
            }
            return "";
        }
    }
}

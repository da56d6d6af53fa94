package dev.seahaven.audit;

import dev.seahaven.mount.Paths;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** Sockets of engines and devices of the host that lie within reach of a process. */
final class ReachProbe {

    private static final int DEVICES_MAX = 400;
    private static final int DEVICES_DEPTH = 3;

    /** The process that is looked at could make any number of entries. */
    private static final int VISITS_MAX = 10_000;

    /** Where container engines listen. */
    private static final List<String> ENGINE_SOCKETS =
            List.of(
                    "run/docker.sock",
                    "run/containerd/containerd.sock",
                    "run/podman/podman.sock",
                    "run/crio/crio.sock",
                    "run/seahaven/seahaven.sock",
                    "run/lxd/unix.socket",
                    "run/incus/unix.socket",
                    "var/lib/lxd/unix.socket",
                    "var/lib/incus/unix.socket");

    private static final Set<String> ENGINE_SOCKET_NAMES =
            ENGINE_SOCKETS.stream().map(ReachProbe::name).collect(Collectors.toSet());

    /** Character devices that only pass on what a process has anyway. */
    private static final Set<String> HARMLESS =
            Set.of("1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2");

    private static final int TERMINALS_FIRST = 136;
    private static final int TERMINALS_LAST = 143;

    private final Syscalls syscalls;
    private final ProcRoot proc;

    ReachProbe(Syscalls syscalls, ProcRoot proc) {
        this.syscalls = syscalls;
        this.proc = proc;
    }

    private Fd root(int pid) {
        return syscalls.open(proc.path() + "/" + pid + "/root", Syscalls.O_PATH, 0);
    }

    /** Whether a refusal means that there is nothing of that name, or only a link. */
    private static boolean isAbsent(SyscallException failure) {
        return switch (failure.errno()) {
            case ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG, EINVAL -> true;
            default -> false;
        };
    }

    /** Where they usually are, those of users too, and wherever a mount brings one by its name. */
    List<String> engineSockets(int pid, List<MountInfo> mounts, FileAccess access) {
        List<String> bound =
                ProcRoot.lines(proc.read(pid + "/net/unix").orElse(""))
                        .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                        .toList();
        Set<String> candidates = new LinkedHashSet<>(ENGINE_SOCKETS);
        for (MountInfo mount : mounts) {
            String point = mount.mountPoint().substring(1);
            if (ENGINE_SOCKET_NAMES.contains(name(mount.root()))) {
                candidates.add(point);
            }
            ENGINE_SOCKET_NAMES.forEach(name -> candidates.add(point + "/" + name));
        }
        try (Fd root = root(pid)) {
            entries(root, "run/user")
                    .forEach(
                            user -> {
                                candidates.add("run/user/" + user + "/docker.sock");
                                candidates.add("run/user/" + user + "/podman/podman.sock");
                            });
            return candidates.stream()
                    .filter(path -> isOpenSocket(root, path, access))
                    .map(path -> "/" + path)
                    .filter(path -> bound.contains(path) || !isOnOverlay(path, mounts))
                    .toList();
        }
    }

    private static String name(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** The names in a directory below a root; none where it is no directory. */
    private List<String> entries(Fd root, String path) {
        try (Fd directory =
                syscalls.openat2(
                        root,
                        path,
                        Syscalls.O_RDONLY | Syscalls.O_DIRECTORY,
                        Syscalls.RESOLVE_IN_ROOT | Syscalls.RESOLVE_NO_SYMLINKS)) {
            return syscalls.list(directory, VISITS_MAX);
        } catch (SyscallException e) {
            boolean link = e.errno() == Errno.ELOOP && path.equals("dev"); // to be looked through
            if (isAbsent(e) && !link) {
                return List.of();
            }
            throw e.errno() == Errno.EOVERFLOW
                    ? new SyscallException("getdents64(\"/" + path + "\")", Errno.EOVERFLOW)
                    : e;
        }
    }

    /** A socket of a lower layer is another's by its inode, and nobody listens on it. */
    private static boolean isOnOverlay(String path, List<MountInfo> mounts) {
        return mounts.stream()
                .filter(mount -> Paths.isWithin(path, mount.mountPoint()))
                .max(Comparator.comparingInt(mount -> mount.mountPoint().length()))
                .filter(mount -> mount.fileSystem().equals("overlay"))
                .isPresent();
    }

    private boolean isOpenSocket(Fd root, String path, FileAccess access) {
        try (Fd file =
                syscalls.openat2(
                        root,
                        path,
                        Syscalls.O_PATH,
                        Syscalls.RESOLVE_IN_ROOT | Syscalls.RESOLVE_NO_MAGICLINKS)) {
            FileCalls.Stat about = syscalls.fstat(file);
            return about.isSocket() && access.canWrite(about);
        } catch (SyscallException e) {
            if (isAbsent(e)) {
                return false;
            }
            throw e;
        }
    }

    /** Devices of the host in its {@code /dev}, besides the harmless ones. */
    List<String> devices(int pid) {
        List<String> found = new ArrayList<>();
        try (Fd root = root(pid)) {
            addDevices(root, "dev", DEVICES_DEPTH, new AtomicInteger(VISITS_MAX), found);
        }
        found.sort(String::compareTo);
        return found;
    }

    /** Also those in directories, such as {@code /dev/net/tun}. */
    private void addDevices(
            Fd root, String directory, int depth, AtomicInteger visits, List<String> found) {
        for (String name : entries(root, directory)) {
            if (visits.decrementAndGet() < 0) { // what comes after it is not known
                throw new SyscallException("getdents64(" + directory + ")", Errno.EOVERFLOW);
            }
            String path = directory + "/" + name;
            if (found.size() < DEVICES_MAX && isHostDevice(root, path)) {
                found.add("/" + path);
            } else if (depth > 1 && !path.equals("dev/pts") && !path.equals("dev/shm")) {
                addDevices(root, path, depth - 1, visits, found);
            }
        }
    }

    private boolean isHostDevice(Fd root, String path) {
        try (Fd node =
                syscalls.openat2(
                        root,
                        path,
                        Syscalls.O_PATH,
                        Syscalls.RESOLVE_IN_ROOT | Syscalls.RESOLVE_NO_SYMLINKS)) {
            FileCalls.Stat about = syscalls.fstat(node);
            if (about.isBlockDevice()) {
                return true;
            }
            boolean terminal = about.major() >= TERMINALS_FIRST && about.major() <= TERMINALS_LAST;
            return about.isCharacterDevice()
                    && !terminal
                    && !HARMLESS.contains(about.major() + ":" + about.minor());
        } catch (SyscallException e) {
            if (isAbsent(e)) {
                return false;
            }
            throw e;
        }
    }
}

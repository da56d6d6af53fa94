package dev.seahaven.isolation;

import dev.seahaven.isolation.AuditResponse.Cgroup;
import dev.seahaven.isolation.AuditResponse.Layers;
import dev.seahaven.isolation.AuditResponse.Namespace;
import dev.seahaven.isolation.AuditResponse.Seccomp;
import dev.seahaven.mount.RootDefaults;
import dev.seahaven.namespace.IdMapping;
import dev.seahaven.namespace.NamespaceFinder;
import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.procfs.CgroupMembership;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcLimits;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.sandbox.HardenedSandboxes;
import dev.seahaven.sandbox.HardenedSandboxes.Hardened;
import dev.seahaven.syscall.Capability;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.web.Problem;

import org.jspecify.annotations.Nullable;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** Looks at a process from outside, layer by layer. */
final class Auditor {

    private static final int DEVICES_MAX = 400;
    private static final int DEVICES_DEPTH = 3;

    /** Who is looked at could make any number of entries. */
    private static final int VISITS_MAX = 10_000;

    // of include/net/tcp_states.h, which udp has too
    private static final long LISTEN = 0x0a;
    private static final long UNCONNECTED = 0x07;

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
            ENGINE_SOCKETS.stream().map(Auditor::name).collect(Collectors.toSet());

    /** Character devices that only pass on what a process has anyway. */
    private static final Set<String> HARMLESS =
            Set.of("1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2");

    private static final int TERMINALS_FIRST = 136;
    private static final int TERMINALS_LAST = 143;
    private static final Set<String> KERNEL_FILE_SYSTEMS =
            Set.of(
                    "sysfs",
                    "debugfs",
                    "tracefs",
                    "securityfs",
                    "bpf",
                    "configfs",
                    "efivarfs",
                    "pstore",
                    "devtmpfs",
                    "binfmt_misc");
    private static final Set<String> CGROUP_FILE_SYSTEMS = Set.of("cgroup", "cgroup2");

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final HardenedSandboxes sandboxes;

    Auditor(Syscalls syscalls, ProcRoot proc, NamespaceFinder finder, HardenedSandboxes sandboxes) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.finder = finder;
        this.sandboxes = sandboxes;
    }

    /** Of the command of a sandbox that runs. */
    AuditResponse sandbox(String reference) {
        Hardened sandbox = sandboxes.get(reference);
        return audit(sandbox.commandPid(), sandbox);
    }

    /** Of any process of the host. */
    AuditResponse process(int pid) {
        return audit(pid, sandboxes.withProcess(pid).orElse(null));
    }

    /** Holds the process meanwhile, so that its number does not become another's. */
    private AuditResponse audit(int pid, @Nullable Hardened sandbox) {
        try (PidFd held = syscalls.pidfdOpen(pid)) {
            ProcStatus status = ProcStatus.read(proc, pid).orElseThrow(() -> gone(pid));
            ProcStat stat = ProcStat.read(proc, pid).orElseThrow(() -> gone(pid));
            Facts facts = facts(pid, status, sandbox);
            if (syscalls.hasEnded(held)) {
                throw gone(pid);
            }
            return new AuditResponse(
                    pid,
                    stat.command(),
                    sandbox == null ? null : sandbox.id(),
                    facts.layers(),
                    Checks.of(facts));
        } catch (SyscallException e) {
            if (e.errno() == Errno.ESRCH
                    || e.errno() == Errno.EINVAL
                    || e.errno() == Errno.ENOENT
                    || e.errno() == Errno.ENODEV) { // its group ends with it
                throw gone(pid);
            }
            throw e;
        }
    }

    private static Problem gone(int pid) {
        return Problem.notFound("process", Integer.toString(pid));
    }

    private Facts facts(int pid, ProcStatus status, @Nullable Hardened sandbox) {
        Map<String, Namespace> namespaces = namespaces(pid);
        List<IdMapping> map = IdMapping.parse(proc.read(pid + "/uid_map").orElse(""));
        boolean ownUser = namespaces.containsKey("user") && namespaces.get("user").isolated();
        boolean rootIsHosts = !ownUser || map.stream().anyMatch(each -> each.mapsOutside(0));
        List<MountInfo> mounts = MountInfo.parse(proc.read(pid + "/mountinfo").orElse(""));
        List<MountInfo> hosts = MountInfo.read(proc);
        String label = label(pid);
        Layers layers =
                new Layers(
                        namespaces,
                        ownUser ? map : List.of(),
                        capabilities(status),
                        seccomp(status, sandbox),
                        status.number("NoNewPrivs") == 1,
                        label,
                        sandbox == null ? null : Boolean.valueOf(sandbox.landlock()),
                        cgroup(pid, mounts, hosts),
                        writableMounts(mounts, hosts, rootIsHosts),
                        openKernelPaths(mounts),
                        engineSockets(
                                pid,
                                mounts,
                                FileAccess.of(
                                        status,
                                        set(reachable(status)),
                                        map,
                                        IdMapping.parse(proc.read(pid + "/gid_map").orElse("")))),
                        devices(pid),
                        namespaces.containsKey("net") && !namespaces.get("net").isolated()
                                ? listening(sandbox == null ? List.of(pid) : sandbox.processes())
                                : List.of());
        return new Facts(
                layers,
                set(reachable(status)),
                set(status.hex("CapAmb")),
                rootIsHosts,
                clocksAreHosts(pid, namespaces),
                label != null,
                sandbox);
    }

    /**
     * A new time namespace shows the host's clocks until it has an offset for each
     * (time_namespaces(7)).
     */
    private boolean clocksAreHosts(int pid, Map<String, Namespace> namespaces) {
        Namespace time = namespaces.get("time");
        return time == null
                || !time.isolated()
                || proc.read(pid + "/timens_offsets")
                        .orElse("")
                        .lines()
                        .anyMatch(line -> line.matches("\\w+ +0 +0"));
    }

    private Map<String, Namespace> namespaces(int pid) {
        Map<String, Namespace> namespaces = new LinkedHashMap<>();
        Optional<NamespaceLink> user = finder.ofProcess(pid, NamespaceType.USER);
        for (NamespaceType type : NamespaceType.values()) {
            Optional<NamespaceLink> link = finder.ofProcess(pid, type);
            boolean isolated = !link.equals(finder.hosts(type));
            link.ifPresent(
                    here ->
                            namespaces.put(
                                    type.kernelName(),
                                    new Namespace(
                                            here.id(),
                                            isolated,
                                            isolated && type != NamespaceType.USER
                                                    ? finder.otherOwner(pid, type, user)
                                                    : null)));
        }
        return namespaces;
    }

    private static Map<String, List<String>> capabilities(ProcStatus status) {
        Map<String, List<String>> sets = new LinkedHashMap<>();
        for (String[] each :
                new String[][] {
                    {"inheritable", "CapInh"},
                    {"permitted", "CapPrm"},
                    {"effective", "CapEff"},
                    {"bounding", "CapBnd"},
                    {"ambient", "CapAmb"}
                }) {
            sets.put(each[0], Capability.names(status.hex(each[1])));
        }
        return sets;
    }

    /** Without new privileges nothing is gained by executing a program (capabilities(7)). */
    private static long reachable(ProcStatus status) {
        long permitted = status.hex("CapPrm");
        return status.number("NoNewPrivs") == 1 ? permitted : permitted | status.hex("CapBnd");
    }

    private static Set<Capability> set(long mask) {
        Set<Capability> set = EnumSet.noneOf(Capability.class);
        for (Capability each : Capability.values()) {
            if ((mask & each.mask()) != 0) {
                set.add(each);
            }
        }
        return set;
    }

    private static Seccomp seccomp(ProcStatus status, @Nullable Hardened sandbox) {
        String mode = Objects.requireNonNullElse(status.seccomp(), "disabled");
        byte[] filter = sandbox == null ? new byte[0] : sandbox.filter();
        return new Seccomp(
                mode,
                status.number("Seccomp_filters"),
                switch (mode) {
                    case "disabled" -> DangerousCalls.all();
                    case "strict" -> List.of();
                    // A program that adds filters of its own lets no more through than ours does.
                    default -> filter.length > 0 ? DangerousCalls.through(filter) : null;
                });
    }

    /** Null where no module gives one. */
    private @Nullable String label(int pid) {
        return proc.read(pid + "/attr/current")
                .map(text -> text.replace("\0", "").trim())
                .filter(text -> !text.isEmpty())
                .orElse(null);
    }

    // ---------------------------------------------------------------- limits

    private Cgroup cgroup(int pid, List<MountInfo> mounts, List<MountInfo> hosts) {
        Map<String, String> paths = new LinkedHashMap<>();
        for (CgroupMembership each :
                CgroupMembership.parse(proc.read(pid + "/cgroup").orElse(""))) {
            paths.put(each.controllers().isEmpty() ? "unified" : each.controllers(), each.path());
        }
        boolean writable =
                mounts.stream()
                        .anyMatch(
                                mount ->
                                        CGROUP_FILE_SYSTEMS.contains(mount.fileSystem())
                                                && isWritable(mount));
        return new Cgroup(
                paths,
                writable,
                limit(hosts, paths, "memory", "memory.limit_in_bytes", "memory.max"),
                limit(hosts, paths, "pids", "pids.max", "pids.max"),
                ProcLimits.read(proc, pid).hard().get("nofile"));
    }

    /** The smallest of its group and those above, as the daemon sees the hierarchies. */
    private @Nullable Long limit(
            List<MountInfo> hosts,
            Map<String, String> paths,
            String controller,
            String v1File,
            String v2File) {
        Long smallest = null;
        for (MountInfo mount : hosts) {
            boolean v1 =
                    mount.fileSystem().equals("cgroup")
                            && mount.superOptions().contains(controller);
            String path =
                    v1
                            ? paths.get(controller)
                            : mount.fileSystem().equals("cgroup2") ? paths.get("unified") : null;
            for (Path at = path == null ? null : Path.of(path); at != null; at = at.getParent()) {
                Long here =
                        value(Path.of(mount.mountPoint()).resolve("." + at), v1 ? v1File : v2File);
                if (here != null && (smallest == null || here < smallest)) {
                    smallest = here;
                }
            }
        }
        return smallest;
    }

    private static @Nullable Long value(Path group, String file) {
        return new ProcRoot(group)
                .read(file)
                .map(String::trim)
                .filter(text -> !text.isEmpty() && text.chars().allMatch(Character::isDigit))
                .map(Long::parseLong)
                .filter(number -> number < Long.MAX_VALUE / 2) // v1 has no word for unlimited
                .orElse(null);
    }

    // ---------------------------------------------------------------- mounts

    private static boolean isWritable(MountInfo mount) {
        return mount.options().contains("rw") && !mount.superOptions().contains("ro");
    }

    private static List<String> writableMounts(
            List<MountInfo> mounts, List<MountInfo> hosts, boolean rootIsHosts) {
        Set<String> disks =
                hosts.stream()
                        .map(MountInfo::source)
                        .filter(source -> source.startsWith("/dev/"))
                        .collect(Collectors.toSet());
        List<String> found = new ArrayList<>();
        for (MountInfo mount : mounts) {
            boolean kernels = KERNEL_FILE_SYSTEMS.contains(mount.fileSystem());
            // A device node alone on a file is no way to the rest of devtmpfs.
            boolean whole = !mount.fileSystem().equals("devtmpfs") || mount.root().equals("/");
            boolean files = rootIsHosts && disks.contains(mount.source());
            if (isWritable(mount) && ((kernels && whole) || files)) {
                found.add(mount.mountPoint() + " (" + mount.fileSystem() + ")");
            }
        }
        for (MountInfo mount : mounts) {
            if (mount.fileSystem().equals("proc") && isWritable(mount)) {
                String settings = below(mount, "/sys");
                boolean protects =
                        mounts.stream()
                                .anyMatch(
                                        other ->
                                                other.mountPoint().equals(settings)
                                                        && !isWritable(other));
                if (settings != null && !protects) {
                    found.add(settings + " (proc)");
                } else if (mount.root().startsWith("/sys")) { // and sysrq-trigger
                    found.add(mount.mountPoint() + " (proc)");
                }
            }
        }
        return found;
    }

    /** Where a mount of a whole file system shows one of its files; null where it is a part. */
    private static @Nullable String below(MountInfo mount, String file) {
        if (!mount.root().equals("/")) {
            return null;
        }
        return (mount.mountPoint().equals("/") ? "" : mount.mountPoint()) + file;
    }

    /** Of those that are hidden or protected by default, and are there: wherever they show. */
    private List<String> openKernelPaths(List<MountInfo> mounts) {
        Set<String> points = new HashSet<>();
        mounts.forEach(mount -> points.add(mount.mountPoint()));
        Set<String> open = new LinkedHashSet<>();
        for (String path : RootDefaults.masked(0)) {
            String type = path.startsWith("/proc/") ? "proc" : "sysfs";
            String file = path.substring(path.indexOf('/', 1));
            boolean there =
                    type.equals("proc")
                            ? Files.exists(Path.of(proc.path() + file))
                            : Files.exists(Path.of(path));
            mounts.stream()
                    .filter(mount -> there && mount.fileSystem().equals(type))
                    .map(mount -> below(mount, file))
                    .filter(shown -> shown != null && !points.contains(shown))
                    .forEach(open::add);
        }
        return List.copyOf(open);
    }

    // ---------------------------------------------------------------- what is within reach

    private @Nullable Fd root(int pid) {
        try {
            return syscalls.open(proc.path() + "/" + pid + "/root", Syscalls.O_PATH, 0);
        } catch (SyscallException e) {
            return null;
        }
    }

    /** Where they usually are, those of users too, and wherever a mount brings one by its name. */
    private List<String> engineSockets(int pid, List<MountInfo> mounts, FileAccess access) {
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
            if (root == null) {
                return List.of();
            }
            entries(root, "run/user").stream()
                    .limit(VISITS_MAX)
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
            String[] names = new File("/proc/self/fd/" + directory.number()).list();
            return names == null ? List.of() : List.of(names);
        } catch (SyscallException e) {
            return List.of();
        }
    }

    /** A socket of a lower layer is another's by its inode, and nobody listens on it. */
    private static boolean isOnOverlay(String path, List<MountInfo> mounts) {
        return mounts.stream()
                .filter(mount -> Path.of(path).startsWith(mount.mountPoint()))
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
            Syscalls.Stat about = syscalls.fstat(file);
            return about.isSocket() && access.canWrite(about);
        } catch (SyscallException e) {
            return false;
        }
    }

    private List<String> devices(int pid) {
        List<String> found = new ArrayList<>();
        try (Fd root = root(pid)) {
            if (root != null) {
                addDevices(root, "dev", DEVICES_DEPTH, new AtomicInteger(VISITS_MAX), found);
            }
        }
        found.sort(String::compareTo);
        return found;
    }

    /** Also those in directories, such as {@code /dev/net/tun}. */
    private void addDevices(
            Fd root, String directory, int depth, AtomicInteger visits, List<String> found) {
        for (String name : entries(root, directory)) {
            if (visits.decrementAndGet() < 0) {
                return;
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
            Syscalls.Stat about = syscalls.fstat(node);
            if (about.isBlockDevice()) {
                return true;
            }
            boolean terminal = about.major() >= TERMINALS_FIRST && about.major() <= TERMINALS_LAST;
            return about.isCharacterDevice()
                    && !terminal
                    && !HARMLESS.contains(about.major() + ":" + about.minor());
        } catch (SyscallException e) {
            return false; // a link, or gone
        }
    }

    private List<String> listening(List<Integer> pids) {
        Set<String> own = new HashSet<>();
        for (int pid : pids) {
            for (int fd : proc.at(pid + "/fd").pids()) {
                proc.readLink(pid + "/fd/" + fd)
                        .filter(target -> target.startsWith("socket:["))
                        .map(target -> target.substring("socket:[".length(), target.length() - 1))
                        .ifPresent(own::add);
            }
        }
        List<String> found = new ArrayList<>();
        if (pids.isEmpty()) {
            return found;
        }
        for (String protocol : List.of("tcp", "tcp6", "udp", "udp6")) {
            long state = protocol.startsWith("tcp") ? LISTEN : UNCONNECTED;
            proc.read(pids.getFirst() + "/net/" + protocol)
                    .orElse("")
                    .lines()
                    .skip(1)
                    .map(line -> line.trim().split("\\s+"))
                    .filter(words -> words.length > 9)
                    .filter(words -> Long.parseLong(words[3], 16) == state)
                    .filter(words -> own.contains(words[9]))
                    .map(words -> protocol + " port " + port(words[1]))
                    .forEach(found::add);
        }
        return found;
    }

    private static int port(String address) {
        return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1), 16);
    }
}

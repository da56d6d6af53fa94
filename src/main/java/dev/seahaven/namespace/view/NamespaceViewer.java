package dev.seahaven.namespace.view;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.launcher.Keeper;
import dev.seahaven.launcher.LaunchPlan.Join;
import dev.seahaven.launcher.LaunchPlan.Maps;
import dev.seahaven.launcher.LaunchPlan.TimeOffsets;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.netlink.Netlink;
import dev.seahaven.netlink.NetworkTables;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Looks at the world from inside of a namespace. */
public final class NamespaceViewer {

    private static final int FILE_MAX = 16 << 20;
    private static final Pattern QUEUE_SIZE = Pattern.compile("QSIZE:(\\d+)");

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final NamespaceThread threads;
    private final Launcher launcher;
    private final NetworkTables network;

    public NamespaceViewer(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            NamespaceThread threads,
            Launcher launcher) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.proc = proc;
        this.finder = finder;
        this.threads = threads;
        this.launcher = launcher;
        this.network = new NetworkTables(new Netlink(calls));
    }

    /**
     * @param namespace open
     * @param member a process in it, if there is one
     */
    public NamespaceView view(NamespaceType type, Fd namespace, @Nullable Integer member) {
        return switch (type) {
            case UTS -> uts(namespace);
            case NET -> net(namespace);
            case PID -> pid(namespace);
            case MNT -> mnt(namespace);
            case IPC -> ipc(namespace);
            case USER -> user(namespace, member);
            case TIME -> time(namespace, member);
            case CGROUP -> cgroup(namespace, member);
        };
    }

    private NamespaceView uts(Fd namespace) {
        NamespaceCalls.Names names = threads.in(NamespaceType.UTS, namespace, calls::uname);
        return new NamespaceView.Uts(names.hostname(), names.domainname());
    }

    private record Sockets(Fd route, Fd diag) {}

    /** The sockets stay in the namespace, while nobody is. */
    private NamespaceView net(Fd namespace) {
        Sockets sockets =
                threads.in(
                        NamespaceType.NET,
                        namespace,
                        () -> {
                            Fd route = calls.netlinkSocket(NetworkTables.NETLINK_ROUTE);
                            try {
                                return new Sockets(
                                        route,
                                        calls.netlinkSocket(NetworkTables.NETLINK_SOCK_DIAG));
                            } catch (RuntimeException e) {
                                route.close();
                                throw e;
                            }
                        });
        try (Fd route = sockets.route;
                Fd diag = sockets.diag) {
            List<NetworkTables.Interface> interfaces = network.interfaces(route);
            var names = NetworkTables.names(interfaces);
            return new NamespaceView.Net(
                    interfaces,
                    network.addresses(route, names),
                    network.routes(route, names),
                    network.neighbours(route, names),
                    listeners(network.listeners(diag)));
        }
    }

    private List<NamespaceView.Net.Listener> listeners(List<NetworkTables.Listener> sockets) {
        Set<Long> inodes =
                sockets.stream().map(NetworkTables.Listener::inode).collect(Collectors.toSet());
        Map<Long, List<NamespaceView.Net.Owner>> owners = new SocketOwners(proc).of(inodes);
        return sockets.stream()
                .map(
                        socket ->
                                new NamespaceView.Net.Listener(
                                        socket.protocol(),
                                        socket.address(),
                                        socket.port(),
                                        socket.uid(),
                                        socket.inode(),
                                        owners.getOrDefault(socket.inode(), List.of())))
                .toList();
    }

    private NamespaceView pid(Fd namespace) {
        List<NamespaceView.Pid.Entry> processes = new ArrayList<>();
        PidTranslation translation = new PidTranslation(syscalls, calls, proc);
        for (int pid : proc.processes()) {
            Integer inside = translation.in(namespace, pid).orElse(null);
            ProcStat stat = inside == null ? null : ProcStat.read(proc, pid).orElse(null);
            if (inside != null && stat != null) {
                processes.add(
                        new NamespaceView.Pid.Entry(
                                pid,
                                inside,
                                translation.in(namespace, stat.parent()).orElse(null),
                                stat.command()));
            }
        }
        return new NamespaceView.Pid(processes);
    }

    private NamespaceView mnt(Fd namespace) {
        try (Fd host = syscalls.open(proc.path(), Syscalls.O_PATH, 0)) {
            String text =
                    threads.in(
                            NamespaceType.MNT,
                            namespace,
                            () -> read(host, "thread-self/mountinfo"));
            return new NamespaceView.Mnt(ProcRoot.lines(text).map(NamespaceViewer::mount).toList());
        }
    }

    private static NamespaceView.Mnt.Mount mount(String line) {
        MountInfo mount = MountInfo.parseLine(line);
        return new NamespaceView.Mnt.Mount(
                mount.id(),
                mount.parent(),
                mount.root(),
                mount.mountPoint(),
                mount.fileSystem(),
                mount.source(),
                mount.options(),
                mount.propagation());
    }

    private String read(Fd dir, String file) {
        return KernelText.decode(syscalls.readFile(dir, file, FILE_MAX));
    }

    private record Tables(String shm, String sem, String msg, Fd queues) {}

    private NamespaceView ipc(Fd namespace) {
        try (Fd host = syscalls.open(proc.path(), Syscalls.O_PATH, 0)) {
            Tables tables =
                    threads.in(
                            NamespaceType.IPC,
                            namespace,
                            () ->
                                    new Tables(
                                            read(host, "sysvipc/shm"),
                                            read(host, "sysvipc/sem"),
                                            read(host, "sysvipc/msg"),
                                            calls.detachedMount("mqueue")));
            try (Fd queues = tables.queues) {
                return SysvIpc.parse(tables.shm, tables.sem, tables.msg, posixQueues(queues));
            }
        }
    }

    private List<NamespaceView.Ipc.PosixQueue> posixQueues(Fd mqueue) {
        List<NamespaceView.Ipc.PosixQueue> found = new ArrayList<>();
        for (String name : syscalls.list("/proc/self/fd/" + mqueue.number() + "/")) {
            try {
                Matcher size = QUEUE_SIZE.matcher(read(mqueue, name));
                found.add(
                        new NamespaceView.Ipc.PosixQueue(
                                "/" + name, size.find() ? Long.parseLong(size.group(1)) : 0));
            } catch (SyscallException e) {
                if (!NamespaceThread.isGone(e)) {
                    throw e;
                }
            }
        }
        return found;
    }

    /** The directory of a process that is in it, for the time that {@code look} takes. */
    private <T> T asMember(
            NamespaceType type, Fd namespace, @Nullable Integer member, Function<Fd, T> look) {
        if (member != null) {
            try (Fd dir = syscalls.open(proc.path() + "/" + member, Syscalls.O_PATH, 0)) {
                long id = syscalls.fstat(namespace).inode();
                Optional<NamespaceLink> in = finder.link(dir, "ns/" + type.kernelName());
                if (in.filter(link -> link.id() == id).isPresent()) {
                    return look.apply(dir);
                }
            } catch (SyscallException e) {
                if (!NamespaceThread.isGone(e)) {
                    throw e;
                }
            }
        }
        return Keeper.with(
                launcher,
                Set.of(),
                List.of(new Join(type.flag(), namespace)),
                new Maps("", ""),
                new TimeOffsets(0, 0),
                keeper -> {
                    String path = proc.path() + "/" + keeper.pid();
                    try (Fd dir = syscalls.open(path, Syscalls.O_PATH, 0)) {
                        return look.apply(dir);
                    }
                });
    }

    public NamespaceView.User user(Fd namespace, @Nullable Integer member) {
        return asMember(
                NamespaceType.USER,
                namespace,
                member,
                dir ->
                        new NamespaceView.User(
                                IdMapping.parse(read(dir, "uid_map")),
                                IdMapping.parse(read(dir, "gid_map")),
                                read(dir, "setgroups").trim().equals("allow")));
    }

    private NamespaceView time(Fd namespace, @Nullable Integer member) {
        String text =
                asMember(NamespaceType.TIME, namespace, member, dir -> read(dir, "timens_offsets"));
        long[] seconds = new long[2];
        long[] nanos = new long[2];
        for (String line : text.lines().toList()) {
            String[] field = line.trim().split("\\s+");
            int clock = field[0].equals("boottime") || field[0].equals("7") ? 1 : 0;
            seconds[clock] = Long.parseLong(field[1]);
            nanos[clock] = Long.parseLong(field[2]);
        }
        return new NamespaceView.Time(seconds[0], nanos[0], seconds[1], nanos[1]);
    }

    /** Seen from the inside, a member's group has a path that begins at the root. */
    private NamespaceView cgroup(Fd namespace, @Nullable Integer member) {
        if (member == null) {
            return new NamespaceView.Cgroup(List.of());
        }
        String outside = proc.read(member + "/cgroup").orElse("");
        try (Fd host = syscalls.open(proc.path(), Syscalls.O_PATH, 0)) {
            String inside =
                    threads.in(
                            NamespaceType.CGROUP, namespace, () -> read(host, member + "/cgroup"));
            List<NamespaceView.Cgroup.Root> roots = new ArrayList<>();
            List<String> insides = inside.lines().toList();
            List<String> outsides = outside.lines().toList();
            for (int i = 0; i < Math.min(insides.size(), outsides.size()); i++) {
                String[] here = insides.get(i).split(":", 3);
                String[] there = outsides.get(i).split(":", 3);
                roots.add(
                        new NamespaceView.Cgroup.Root(
                                Integer.parseInt(here[0]), here[1], root(there[2], here[2])));
            }
            return new NamespaceView.Cgroup(roots);
        }
    }

    static @Nullable String root(String outside, String inside) {
        if (inside.equals("/")) {
            return outside;
        }
        if (inside.startsWith("/..") || !outside.endsWith(inside)) {
            return null; // it was moved out of what its namespace shows
        }
        String root = outside.substring(0, outside.length() - inside.length());
        return root.isEmpty() ? "/" : root;
    }
}

package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.procfs.Reading;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.Digits;
import dev.seahaven.text.KernelText;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Looks at the namespaces that processes are in and hold: their own, those of their threads, of
 * their descriptors and of their next children. Several threads may use one at a time.
 */
final class ProcessLook {

    private static final int STAT_MAX = 4096;

    private static final List<NamespaceType> OF_CHILDREN =
            List.of(NamespaceType.PID, NamespaceType.TIME);

    private static final int SOCKETS_OF_PROCESS = 16_384;
    private static final Duration SOCKETS_TIME = Duration.ofSeconds(2);

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final NamespaceOpener opener;
    private final PreparedNetwork prepared;
    private final OwnProcesses.Look own;
    private final Focus focus;
    private final List<NamespaceType> types;
    private final long ownPid = ProcessHandle.current().pid();
    private final Set<String> sockets = ConcurrentHashMap.newKeySet();
    private final Map<Integer, Integer> socketsOf = new ConcurrentHashMap<>();
    private final Queue<Waiting> waiting = new ConcurrentLinkedQueue<>();
    private volatile boolean complete = true;

    ProcessLook(ScanTools tools, OwnProcesses.Look own, Focus focus) {
        this.syscalls = tools.syscalls();
        this.calls = tools.calls();
        this.proc = tools.proc();
        this.finder = tools.finder();
        this.opener = tools.opener();
        this.prepared = tools.prepared();
        this.own = own;
        this.focus = focus;
        this.types = List.copyOf(focus.types());
    }

    /** Whether everything could be read so far. */
    boolean isComplete() {
        return complete;
    }

    static String pathOf(NamespaceType type) {
        return "ns/" + type.kernelName();
    }

    /** A process or thread that is looked at, and its directory. */
    private record Task(
            int pid, int tid, Fd dir, ProcStat stat, String prefix, List<Sight> sights) {

        void see(NamespaceLink link, String path, Holder holder) {
            sights.add(new Sight(link, new Source.Link(pid, prefix + path), holder));
        }
    }

    /** What a process is in, without what else it holds. */
    List<Sight> members(int pid) {
        return look(pid, false);
    }

    /** What a process is in and holds. */
    List<Sight> all(int pid) {
        return look(pid, !own.holdsNothing(pid));
    }

    private List<Sight> look(int pid, boolean whole) {
        List<Sight> sights = new ArrayList<>();
        if (!whole && !focus.isEverything() && !isIn(pid, sights)) {
            return sights;
        }
        try (Fd dir = syscalls.open(proc.path() + "/" + pid, Syscalls.O_PATH, 0)) {
            ProcStat stat = ProcStat.parse(read(dir, "stat"));
            Task task = new Task(pid, pid, dir, stat, "", sights);
            long[] own = members(task);
            if (whole) {
                held(task, own);
            }
        } catch (SyscallException e) {
            if (!NamespaceThread.isGone(e)) {
                missed(pid, !e.tellsNothing());
            }
        }
        return sights;
    }

    /** A container's root may not look at process 1 of the host. */
    private void missed(int pid, boolean denied) {
        if (pid != 1 || !denied) {
            complete = false;
        }
    }

    private void passOver(SyscallException failure) {
        if (failure.tellsNothing()) {
            complete = false;
        }
    }

    private String read(Fd dir, String file) {
        return KernelText.decode(syscalls.readFile(dir, file, STAT_MAX));
    }

    /** Most are in none that is meant: that is found out with the least that can be read. */
    private boolean isIn(int pid, List<Sight> sights) {
        for (NamespaceType type : types) {
            NamespaceLink link = own.namespace(pid, type).orElse(null);
            if (link != null && focus.means(link)) {
                sights.clear();
                return true;
            }
            if (link != null && focus.takes(link)) {
                sights.add(new Sight(link, new Source.Link(pid, pathOf(type)), null));
            }
        }
        return false;
    }

    private long[] members(Task task) {
        long[] own = new long[NamespaceType.values().length];
        for (NamespaceType type : types) {
            NamespaceLink link = finder.link(task.dir, pathOf(type)).orElse(null);
            if (link == null) {
                continue;
            }
            own[type.ordinal()] = link.id();
            if (focus.takes(link)) {
                task.see(
                        link,
                        pathOf(type),
                        new Holder.Member(task.pid, task.stat.startTicks(), task.stat.command()));
            }
        }
        return own;
    }

    private void held(Task task, long[] own) {
        forChildren(task, own);
        boolean hasThreads = task.stat.threads() > 1;
        if (hasThreads) {
            threads(task, own);
        }
        if (task.pid == ownPid) { // the others last no longer than a request
            prepared.descriptor().ifPresent(fd -> descriptor(task, fd));
            return;
        }
        numbers(task.pid, "/fd").forEach(fd -> descriptor(task, fd));
        if (hasThreads) {
            threadsWithOwnDescriptors(task);
        }
    }

    /** What cannot be listed though it is there leaves the answer incomplete. */
    private List<Integer> numbers(int pid, String directory) {
        return switch (proc.numbers(pid + directory)) {
            case Reading.Value<List<Integer>>(List<Integer> found) -> found;
            case Reading.Gone<List<Integer>> ignored -> List.of();
            case Reading.Denied<List<Integer>> ignored -> {
                missed(pid, true);
                yield List.of();
            }
            case Reading.Broken<List<Integer>> ignored -> {
                complete = false;
                yield List.of();
            }
        };
    }

    private void forChildren(Task task, long[] own) {
        for (NamespaceType type : OF_CHILDREN) {
            if (!focus.types().contains(type)) {
                continue;
            }
            String name = type.kernelName() + "_for_children";
            NamespaceLink link = finder.link(task.dir, "ns/" + name).orElse(null);
            if (link != null && link.id() != own[type.ordinal()] && focus.takes(link)) {
                task.see(
                        link,
                        "ns/" + name,
                        new Holder.ForChildren(
                                task.pid,
                                task.tid,
                                task.stat.startTicks(),
                                task.stat.command(),
                                name));
            }
        }
    }

    private void threads(Task process, long[] own) {
        for (int tid : numbers(process.pid, "/task")) {
            if (tid == process.pid) {
                continue;
            }
            try (Fd dir = syscalls.openat2(process.dir, "task/" + tid, Syscalls.O_PATH, 0)) {
                Task thread = thread(process, tid, dir);
                for (NamespaceType type : types) {
                    NamespaceLink link = finder.link(dir, pathOf(type)).orElse(null);
                    if (link != null && link.id() != own[type.ordinal()] && focus.takes(link)) {
                        thread.see(
                                link,
                                pathOf(type),
                                new Holder.MemberThread(
                                        process.pid,
                                        tid,
                                        process.stat.startTicks(),
                                        process.stat.command()));
                    }
                }
                forChildren(thread, own);
            } catch (SyscallException e) {
                passOver(e); // the thread has ended
            }
        }
    }

    private static Task thread(Task process, int tid, Fd dir) {
        String prefix = "task/" + tid + "/";
        return new Task(process.pid, tid, dir, process.stat, prefix, process.sights);
    }

    /** A thread may have a table of its own; that of a first thread that has ended is gone. */
    private void threadsWithOwnDescriptors(Task process) {
        for (int tid : numbers(process.pid, "/task")) {
            if (tid == process.pid || calls.shareDescriptors(process.pid, tid)) {
                continue;
            }
            try (Fd dir = syscalls.openat2(process.dir, "task/" + tid, Syscalls.O_PATH, 0)) {
                Task thread = thread(process, tid, dir);
                numbers(process.pid, "/task/" + tid + "/fd").forEach(fd -> descriptor(thread, fd));
            } catch (SyscallException e) {
                passOver(e); // the thread has ended
            }
        }
    }

    private void descriptor(Task task, int fd) {
        String target;
        try {
            target = syscalls.readlinkat(task.dir, "fd/" + fd);
        } catch (SyscallException e) {
            passOver(e); // closed meanwhile
            return;
        }
        if (target.startsWith("socket:")) {
            if (focus.types().contains(NamespaceType.NET)) {
                socket(task, fd, target);
            }
        } else if (target.startsWith("/")) {
            if (!target.startsWith("/dev/")) {
                file(task, fd);
            }
        } else if (target.indexOf(":[") > 0) {
            NamespaceLink.parse(target).ifPresent(link -> descriptor(task, fd, link));
        }
    }

    private void descriptor(Task task, int fd, NamespaceLink link) {
        if (focus.takes(link)) {
            task.see(
                    link,
                    "fd/" + fd,
                    new Holder.Descriptor(
                            task.pid, task.stat.startTicks(), task.stat.command(), fd));
        }
    }

    /**
     * One that was opened by its name has the link of a file. The number of its inode is asked for
     * first, of procfs: to look at files of others may take as long as they like.
     */
    private void file(Task task, int fd) {
        try {
            long inode = inode(read(task.dir, "fdinfo/" + fd));
            if (inode < NamespaceLink.FIRST_NUMBER) {
                return;
            }
            try (Fd open = syscalls.openat2(task.dir, "fd/" + fd, Syscalls.O_PATH, 0)) {
                if (calls.fileSystemType(open) != NamespaceCalls.NSFS_MAGIC) {
                    return;
                }
                try (Fd namespace =
                        syscalls.open(
                                "/proc/thread-self/fd/" + open.number(), Syscalls.O_RDONLY, 0)) {
                    long id = syscalls.fstat(namespace).inode();
                    NamespaceType.ofFlag(calls.nsGetNstype(namespace))
                            .ifPresent(type -> descriptor(task, fd, new NamespaceLink(type, id)));
                }
            }
        } catch (SyscallException e) {
            passOver(e); // closed meanwhile
        }
    }

    /** From proc_pid_fdinfo(5); 0 where it does not tell. */
    private static long inode(String fdinfo) {
        return ProcRoot.lines(fdinfo)
                .filter(line -> line.startsWith("ino:"))
                .mapToLong(line -> Digits.number(line.substring(4).trim()).orElse(0))
                .findFirst()
                .orElse(0);
    }

    /** Each is looked at once, and not more of one process than a scan has time for. */
    private void socket(Task task, int fd, String target) {
        if (!sockets.add(target)) {
            return; // shared with one that is looked at
        }
        if (socketsOf.merge(task.pid, 1, Integer::sum) > SOCKETS_OF_PROCESS) {
            complete = false;
        } else {
            waiting.add(new Waiting(task.pid, fd, task.stat));
        }
    }

    private record Waiting(int pid, int fd, ProcStat stat) {}

    /** Looks at the sockets that were met; what they show, in no order. */
    List<Sight> sockets() {
        List<Waiting> all = List.copyOf(waiting);
        waiting.clear();
        if (all.isEmpty()) {
            return List.of();
        }
        ForeignSockets.Found found =
                opener.sockets()
                        .ids(
                                all.stream()
                                        .map(each -> new ForeignSockets.Place(each.pid, each.fd))
                                        .toList(),
                                SOCKETS_TIME);
        complete &= found.complete();
        List<Sight> sights = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            Waiting each = all.get(i);
            NamespaceLink link = new NamespaceLink(NamespaceType.NET, found.ids()[i]);
            if (link.id() != 0 && focus.takes(link)) {
                sights.add(
                        new Sight(
                                link,
                                new Source.Socket(each.pid, each.fd),
                                new Holder.Socket(
                                        each.pid,
                                        each.stat.startTicks(),
                                        each.stat.command(),
                                        each.fd)));
            }
        }
        return sights;
    }
}

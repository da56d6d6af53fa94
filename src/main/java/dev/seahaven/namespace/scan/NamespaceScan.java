package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.names.NamespaceRegistry;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.procfs.Reading;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.Digits;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Looks once at every place in which the kernel shows a namespace. Processes come and go meanwhile:
 * each is held by its directory below {@code /proc}, which never becomes another's, and what ends
 * is passed over.
 */
public final class NamespaceScan {

    private static final long PROC_SUPER_MAGIC = 0x9fa0;
    private static final int STAT_MAX = 4096;

    /** Of the processes in a mount namespace, that are told with a mount in it. */
    private static final int PIDS_MAX = 100;

    private static final int MOUNTINFO_MAX = 16 << 20;

    private static final String[] TYPE_LINKS = typeLinks();

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final NamespaceOpener opener;
    private final PreparedNetwork prepared;
    private final long ownPid = ProcessHandle.current().pid();

    private final Map<Long, HostNamespace> found = new HashMap<>();
    private final Deque<HostNamespace> unrelated = new ArrayDeque<>();
    private final Set<String> sockets = new HashSet<>();
    private final Map<Long, List<Integer>> mountMembers = new HashMap<>();
    private boolean complete = true;

    public NamespaceScan(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            NamespaceOpener opener,
            PreparedNetwork prepared) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.proc = proc;
        this.finder = finder;
        this.opener = opener;
        this.prepared = prepared;
    }

    private static String[] typeLinks() {
        NamespaceType[] types = NamespaceType.values();
        String[] links = new String[types.length];
        for (NamespaceType type : types) {
            links[type.ordinal()] = "ns/" + type.kernelName();
        }
        return links;
    }

    public HostNamespaces run() {
        for (int pid : proc.processes()) {
            process(pid);
        }
        List.copyOf(mountMembers.keySet()).forEach(this::mountsOf);
        mountNamespacesWithoutProcess(calls::nsMntGetNext);
        mountNamespacesWithoutProcess(calls::nsMntGetPrev);
        List<NamespaceRegistry.Name> stale = names();
        while (!unrelated.isEmpty()) {
            relate(unrelated.pop());
        }
        link();
        return new HostNamespaces(found, stale, complete);
    }

    /**
     * Finds one namespace by its number and who is in it, without looking at what else holds it, or
     * at anything else.
     *
     * @param name the name that it was asked for by
     * @return nothing where no process is in one without a name: it may be held otherwise
     */
    public HostNamespaces ofOne(long id, NamespaceRegistry.@Nullable Name name) {
        List<Integer> processes = proc.processes();
        NamespaceType type = name != null ? name.type() : typeOf(id, processes);
        if (type == null) {
            return new HostNamespaces(found, List.of(), complete);
        }
        NamespaceLink wanted = new NamespaceLink(type, id);
        for (int pid : processes) {
            if (finder.ofProcess(pid, type).filter(wanted::equals).isPresent()) {
                member(pid, wanted);
            }
        }
        if (name != null) {
            at(wanted, new Source.Mount((int) ownPid, name.path())).addName(name);
        }
        return new HostNamespaces(found, List.of(), complete);
    }

    /**
     * Finds those that have names and who is in them, without their other holders; all there is
     * where one of them may have children, which have to be looked for.
     */
    public HostNamespaces ofNames() {
        List<NamespaceRegistry.Name> stale = names();
        Set<NamespaceType> types = EnumSet.noneOf(NamespaceType.class);
        found.values().forEach(each -> types.add(each.type()));
        if (types.stream().anyMatch(NamespaceType::hasParent)) {
            found.clear();
            unrelated.clear();
            return run();
        }
        for (int pid : proc.processes()) {
            for (NamespaceType type : types) {
                finder.ofProcess(pid, type)
                        .filter(link -> found.containsKey(link.id()))
                        .ifPresent(link -> member(pid, link));
            }
        }
        List.copyOf(found.values()).forEach(this::relate);
        return new HostNamespaces(found, stale, complete);
    }

    private @Nullable NamespaceType typeOf(long id, List<Integer> processes) {
        for (int pid : processes) {
            for (NamespaceType type : NamespaceType.values()) {
                if (finder.ofProcess(pid, type).filter(link -> link.id() == id).isPresent()) {
                    return type;
                }
            }
        }
        return null;
    }

    private void member(int pid, NamespaceLink wanted) {
        String path = TYPE_LINKS[wanted.type().ordinal()];
        try (Fd dir = syscalls.open(proc.path() + "/" + pid, Syscalls.O_PATH, 0)) {
            ProcStat stat = ProcStat.parse(read(dir, "stat", STAT_MAX));
            if (finder.link(dir, path).filter(wanted::equals).isPresent()) {
                at(wanted, new Source.Link(pid, path))
                        .addMember(new Holder.Member(pid, stat.startTicks(), stat.command()));
            }
        } catch (SyscallException e) {
            passOver(e);
        }
    }

    /**
     * What is to be told of a namespace that has just been made, without looking at the rest of the
     * host.
     *
     * @param keeper the process that keeps a pid namespace
     */
    public HostNamespaces ofNew(NamespaceRegistry.Name name, long id, @Nullable Integer keeper) {
        if (keeper != null) {
            process(keeper);
        }
        HostNamespace made =
                at(new NamespaceLink(name.type(), id), new Source.Mount((int) ownPid, name.path()));
        made.addName(name);
        try (Fd self = syscalls.open(proc.path() + "/thread-self", Syscalls.O_PATH, 0)) {
            finder.link(self, "ns/mnt")
                    .ifPresent(
                            mounts ->
                                    made.holders()
                                            .add(
                                                    new Holder.Mount(
                                                            name.path(),
                                                            mounts.id(),
                                                            null,
                                                            List.of())));
        }
        relate(made);
        return new HostNamespaces(found, List.of(), complete);
    }

    private HostNamespace at(NamespaceLink link, Source source) {
        HostNamespace known = found.get(link.id());
        if (known != null) {
            known.addSource(source);
            return known;
        }
        HostNamespace namespace = new HostNamespace(link.type(), link.id(), source);
        found.put(link.id(), namespace);
        unrelated.push(namespace);
        return namespace;
    }

    // ---------------------------------------------------------------- processes

    /** A process or thread that is looked at, and its directory. */
    private record Task(int pid, int tid, Fd dir, ProcStat stat, String prefix) {
        Source source(String path) {
            return new Source.Link(pid, prefix + path);
        }
    }

    private void process(int pid) {
        try (Fd dir = syscalls.open(proc.path() + "/" + pid, Syscalls.O_PATH, 0)) {
            ProcStat stat = ProcStat.parse(read(dir, "stat", STAT_MAX));
            Task task = new Task(pid, pid, dir, stat, "");
            long[] own = members(task);
            forChildren(task, own);
            if (stat.threads() > 1) {
                threads(task, own);
            }
            if (pid == ownPid) { // the others last no longer than a request
                prepared.descriptor().ifPresent(fd -> descriptor(task, fd));
            } else {
                numbers(pid, "/fd").forEach(fd -> descriptor(task, fd));
                if (stat.threads() > 1) {
                    threadsWithOwnDescriptors(task);
                }
            }
        } catch (SyscallException e) {
            if (!NamespaceThread.isGone(e)) {
                complete &= pid == 1 && !e.tellsNothing(); // a container's root may not look at it
            }
        }
    }

    /** What cannot be listed though it is there leaves the answer incomplete. */
    private List<Integer> numbers(int pid, String directory) {
        return switch (proc.numbers(pid + directory)) {
            case Reading.Value<List<Integer>>(List<Integer> found) -> found;
            case Reading.Gone<List<Integer>> ignored -> List.of();
            case Reading.Denied<List<Integer>> ignored -> {
                complete &= pid == 1; // a container's root may not look at it
                yield List.of();
            }
            case Reading.Broken<List<Integer>> ignored -> {
                complete = false;
                yield List.of();
            }
        };
    }

    private String read(Fd dir, String file, int most) {
        return KernelText.decode(syscalls.readFile(dir, file, most));
    }

    private long[] members(Task task) {
        long[] own = new long[TYPE_LINKS.length];
        for (NamespaceType type : NamespaceType.values()) {
            String path = TYPE_LINKS[type.ordinal()];
            NamespaceLink link = finder.link(task.dir, path).orElse(null);
            if (link == null) {
                continue;
            }
            own[type.ordinal()] = link.id();
            at(link, task.source(path))
                    .addMember(
                            new Holder.Member(
                                    task.pid, task.stat.startTicks(), task.stat.command()));
            if (type == NamespaceType.MNT) {
                mountMembers.computeIfAbsent(link.id(), id -> new ArrayList<>()).add(task.pid);
            }
        }
        return own;
    }

    private void forChildren(Task task, long[] own) {
        for (NamespaceType type : List.of(NamespaceType.PID, NamespaceType.TIME)) {
            String name = type.kernelName() + "_for_children";
            NamespaceLink link = finder.link(task.dir, "ns/" + name).orElse(null);
            if (link != null && link.id() != own[type.ordinal()]) {
                at(link, task.source("ns/" + name))
                        .holders()
                        .add(
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
            String prefix = "task/" + tid + "/";
            try (Fd dir = syscalls.openat2(process.dir, "task/" + tid, Syscalls.O_PATH, 0)) {
                Task thread = new Task(process.pid, tid, dir, process.stat, prefix);
                for (NamespaceType type : NamespaceType.values()) {
                    String path = TYPE_LINKS[type.ordinal()];
                    NamespaceLink link = finder.link(dir, path).orElse(null);
                    if (link != null && link.id() != own[type.ordinal()]) {
                        at(link, thread.source(path))
                                .holders()
                                .add(
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

    /** A thread may have a table of its own; that of a first thread that has ended is gone. */
    private void threadsWithOwnDescriptors(Task process) {
        for (int tid : numbers(process.pid, "/task")) {
            if (tid == process.pid || calls.shareDescriptors(process.pid, tid)) {
                continue;
            }
            String prefix = "task/" + tid + "/";
            try (Fd dir = syscalls.openat2(process.dir, "task/" + tid, Syscalls.O_PATH, 0)) {
                Task thread = new Task(process.pid, tid, dir, process.stat, prefix);
                numbers(process.pid, "/task/" + tid + "/fd").forEach(fd -> descriptor(thread, fd));
            } catch (SyscallException e) {
                passOver(e); // the thread has ended
            }
        }
    }

    private void descriptor(Task task, int fd) {
        String path = "fd/" + fd;
        String target;
        try {
            target = syscalls.readlinkat(task.dir, path);
        } catch (SyscallException e) {
            passOver(e); // closed meanwhile
            return;
        }
        if (target.startsWith("socket:")) {
            socket(task, fd, target);
        } else if (target.startsWith("/")) {
            if (!target.startsWith("/dev/")) {
                file(task, fd);
            }
        } else if (target.indexOf(":[") > 0) {
            NamespaceLink.parse(target).ifPresent(link -> held(task, fd, link));
        }
    }

    private void held(Task task, int fd, NamespaceLink link) {
        Holder.Descriptor holder =
                new Holder.Descriptor(task.pid, task.stat.startTicks(), task.stat.command(), fd);
        List<Holder> holders = at(link, task.source("fd/" + fd)).holders();
        if (task.pid == task.tid || !holders.contains(holder)) { // threads may share a table
            holders.add(holder);
        }
    }

    /**
     * One that was opened by its name has the link of a file. The number of its inode is asked for
     * first, of procfs: to look at files of others may take as long as they like.
     */
    private void file(Task task, int fd) {
        try {
            if (inode(read(task.dir, "fdinfo/" + fd, STAT_MAX)) < NamespaceLink.FIRST_NUMBER) {
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
                            .ifPresent(type -> held(task, fd, new NamespaceLink(type, id)));
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

    private void socket(Task task, int fd, String target) {
        if (!sockets.add(target)) {
            return; // shared with one that was looked at
        }
        try (Fd namespace = opener.socket(task.pid, fd)) {
            at(
                            new NamespaceLink(NamespaceType.NET, syscalls.fstat(namespace).inode()),
                            new Source.Socket(task.pid, fd))
                    .holders()
                    .add(
                            new Holder.Socket(
                                    task.pid, task.stat.startTicks(), task.stat.command(), fd));
        } catch (SyscallException e) {
            passOver(e); // it is gone, or a socket of a family without namespaces
        }
    }

    // ---------------------------------------------------------------- mounts

    /** As one of those sees them that are in it; they end while others are looked at. */
    private void mountsOf(long mountNamespace) {
        for (int pid : mountMembers.getOrDefault(mountNamespace, List.of())) {
            Optional<String> text = mountinfo(mountNamespace, pid);
            if (text.isPresent()) {
                ProcRoot.lines(text.get())
                        .filter(line -> line.contains(" - nsfs ") || line.contains(" - proc "))
                        .map(MountInfo::parseLine)
                        .forEach(mount -> mount(mount, mountNamespace, pid));
                return;
            }
        }
        mountMembers.remove(mountNamespace); // the kernel's list tells whether it is there still
    }

    private Optional<String> mountinfo(long mountNamespace, int pid) {
        try (Fd dir = syscalls.open(proc.path() + "/" + pid, Syscalls.O_PATH, 0)) {
            if (finder.link(dir, TYPE_LINKS[NamespaceType.MNT.ordinal()])
                    .filter(link -> link.id() == mountNamespace)
                    .isEmpty()) {
                return Optional.empty();
            }
            String text = read(dir, "mountinfo", MOUNTINFO_MAX);
            if (!text.endsWith("\n")) {
                complete = false;
                return Optional.of(text.substring(0, text.lastIndexOf('\n') + 1));
            }
            return Optional.of(text);
        } catch (SyscallException e) {
            complete &= NamespaceThread.isGone(e);
            return Optional.empty();
        }
    }

    private void mount(MountInfo mount, long mountNamespace, int pid) {
        List<Integer> members = mountMembers.getOrDefault(mountNamespace, List.of());
        List<Integer> pids = members.stream().sorted().limit(PIDS_MAX).toList();
        int processes = members.size();
        String point = mount.mountPoint();
        if (mount.fileSystem().equals("nsfs")) {
            NamespaceLink.parse(mount.root())
                    .map(link -> at(link, new Source.Mount(pid, point)))
                    .ifPresent(
                            namespace ->
                                    namespace
                                            .holders()
                                            .add(
                                                    new Holder.Mount(
                                                            point,
                                                            mountNamespace,
                                                            processes,
                                                            pids)));
        } else if (mount.root().equals("/")) {
            Holder.ProcMount holder = new Holder.ProcMount(point, mountNamespace, processes, pids);
            shownBy(pid, point)
                    .map(HostNamespace::holders)
                    .filter(holders -> !holders.contains(holder)) // one lies over another
                    .ifPresent(holders -> holders.add(holder));
        }
    }

    /** The pid namespace that a proc file system shows is that of its own process 1. */
    private Optional<HostNamespace> shownBy(int pid, String point) {
        String path = point.equals("/") ? "." : point.substring(1);
        try (Fd root = syscalls.open(proc.path() + "/" + pid + "/root", Syscalls.O_PATH, 0);
                Fd mounted =
                        syscalls.openat2(
                                root,
                                path,
                                Syscalls.O_PATH,
                                Syscalls.RESOLVE_IN_ROOT | Syscalls.RESOLVE_NO_MAGICLINKS)) {
            if (calls.fileSystemType(mounted) != PROC_SUPER_MAGIC) {
                return Optional.empty();
            }
            return finder.link(mounted, "1/ns/pid").map(link -> found.get(link.id()));
        } catch (SyscallException e) {
            passOver(e); // it is covered, or gone, or its pid namespace has died
            return Optional.empty();
        }
    }

    /** Those of the kernel's list from the daemon's own on, to one side. */
    private void mountNamespacesWithoutProcess(Function<Fd, Optional<Fd>> neighbour) {
        Fd at;
        try {
            at = syscalls.open(proc.path() + "/thread-self/ns/mnt", Syscalls.O_RDONLY, 0);
        } catch (SyscallException e) {
            complete = false;
            return;
        }
        while (true) {
            Fd next;
            try (Fd last = at) {
                next = neighbour.apply(last).orElse(null);
            }
            if (next == null) {
                return;
            }
            at = next;
            long id = syscalls.fstat(at).inode();
            HostNamespace mounts =
                    at(new NamespaceLink(NamespaceType.MNT, id), new Source.MountList());
            if (mounts.equals(unrelated.peek())
                    && unrelated.poll() != null) { // now: finding it again would walk again
                relate(mounts, at);
            }
            if (!mountMembers.containsKey(id)) {
                mountsWithoutProcess(at, id);
            }
        }
    }

    private void mountsWithoutProcess(Fd mountns, long id) {
        try {
            for (NamespaceCalls.Mount mount : calls.mounts(mountns)) {
                if (mount.magic() == NamespaceCalls.NSFS_MAGIC) {
                    NamespaceLink.parse(mount.root())
                            .map(link -> at(link, new Source.MountIn(id, mount.point())))
                            .ifPresent(
                                    namespace ->
                                            namespace
                                                    .holders()
                                                    .add(
                                                            new Holder.Mount(
                                                                    mount.point(),
                                                                    id,
                                                                    0,
                                                                    List.of())));
                }
            }
        } catch (SyscallException e) {
            passOver(e); // it is gone
        }
    }

    /**
     * What has gone meanwhile is no loss; what could not be looked at makes the scan incomplete.
     */
    private void passOver(SyscallException failure) {
        if (failure.tellsNothing()) {
            complete = false;
        }
    }

    private List<NamespaceRegistry.Name> names() {
        List<NamespaceRegistry.Name> stale = new ArrayList<>();
        for (NamespaceRegistry.Name name : finder.registry().names()) {
            Long id = name.id();
            if (id == null) {
                stale.add(name);
            } else {
                at(new NamespaceLink(name.type(), id), new Source.Mount((int) ownPid, name.path()))
                        .addName(name);
            }
        }
        return stale;
    }

    // ---------------------------------------------------------------- what is above

    private void relate(HostNamespace namespace) {
        HostNamespaces all = new HostNamespaces(found, List.of(), complete);
        try (Fd open = opener.open(all, namespace)) {
            relate(namespace, open);
        } catch (SyscallException e) {
            passOver(e); // it is gone, or out of reach: nothing is known of what is above it
        }
    }

    private void relate(HostNamespace namespace, Fd open) {
        try {
            Long parent =
                    namespace.type().hasParent()
                            ? above(namespace, namespace.type(), false, open)
                            : null;
            Long owner =
                    namespace.type() == NamespaceType.USER
                            ? parent
                            : above(namespace, NamespaceType.USER, true, open);
            namespace.setRelations(parent, owner, creator(namespace, open));
        } catch (SyscallException e) {
            passOver(e); // it is gone, or out of reach: nothing is known of what is above it
        }
    }

    private @Nullable Long creator(HostNamespace namespace, Fd open) {
        try {
            if (namespace.type() == NamespaceType.USER) {
                return calls.nsGetOwnerUid(open);
            }
            try (Fd userns = calls.nsGetUserns(open)) {
                return calls.nsGetOwnerUid(userns);
            }
        } catch (SyscallException e) {
            passOver(e); // its owner is above the daemon's own user namespace (EPERM)
            return null;
        }
    }

    private @Nullable Long above(HostNamespace below, NamespaceType type, boolean owner, Fd open) {
        try (Fd fd = owner ? calls.nsGetUserns(open) : calls.nsGetParent(open)) {
            long id = syscalls.fstat(fd).inode();
            at(new NamespaceLink(type, id), new Source.Above(below.id(), owner));
            return id;
        } catch (SyscallException e) {
            if (e.errno() == Errno.EPERM || NamespaceThread.isGone(e)) {
                return null; // it is the first, or out of sight
            }
            throw e;
        }
    }

    private void link() {
        for (HostNamespace namespace : found.values()) {
            HostNamespace parent =
                    namespace.parent() == null ? null : found.get(namespace.parent());
            if (parent != null) {
                parent.children().add(namespace.id());
                parent.holders()
                        .add(new Holder.Child(namespace.id(), namespace.type().kernelName()));
            }
            HostNamespace owner = namespace.owner() == null ? null : found.get(namespace.owner());
            if (owner != null && namespace.type() != NamespaceType.USER) {
                owner.holders()
                        .add(new Holder.Owned(namespace.id(), namespace.type().kernelName()));
            }
        }
    }
}

package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.names.NamespaceRegistry;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Looks at the places in which the kernel shows a namespace: at all of them once, or at those that
 * tell of one. Processes come and go meanwhile: each is held by its directory below {@code /proc},
 * which never becomes another's, and what ends is passed over.
 */
public final class NamespaceScan {

    /** The number of the first user namespace (PROC_USER_INIT_INO, include/linux/proc_ns.h). */
    private static final long FIRST_USER_NAMESPACE = 0xefff_fffdL;

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final NamespaceOpener opener;
    private final ScanTools tools;
    private final OwnProcesses.Look own;
    private final long ownPid = ProcessHandle.current().pid();

    private final Map<Long, HostNamespace> found = new HashMap<>();
    private final Deque<HostNamespace> unrelated = new ArrayDeque<>();
    private final Map<Long, List<Integer>> mountMembers = new HashMap<>();
    private List<Integer> processes = List.of();
    private @Nullable Map<Long, List<Integer>> allMembers;
    private final Map<Long, Long> creators = new HashMap<>();
    private boolean complete = true;

    public NamespaceScan(ScanTools tools) {
        this.syscalls = tools.syscalls();
        this.calls = tools.calls();
        this.proc = tools.proc();
        this.finder = tools.finder();
        this.opener = tools.opener();
        this.tools = tools;
        this.own = tools.own().look();
    }

    /** Everything there is. */
    public HostNamespaces run() {
        return run(processes().stream());
    }

    private List<Integer> processes() {
        if (processes.isEmpty()) {
            processes = proc.processes();
        }
        return processes;
    }

    private HostNamespaces run(Stream<Integer> processes) {
        ProcessLook look = new ProcessLook(tools, own, Focus.EVERYTHING);
        processes.map(look::all).toList().forEach(this::take);
        take(look.sockets());
        MountLook mounts = new MountLook(tools);
        List.copyOf(mountMembers.keySet()).stream()
                .filter(id -> !mounts.of(id, mountMembers.getOrDefault(id, List.of())))
                .forEach(mountMembers::remove); // the kernel's list tells whether it is there still
        mounts.others((mountns, id) -> listed(mounts, mountns, id));
        take(mounts.sights());
        complete &= look.isComplete() && mounts.isComplete();
        List<NamespaceRegistry.Name> stale = names(Focus.EVERYTHING);
        while (!unrelated.isEmpty()) {
            relate(unrelated.pop());
        }
        link();
        return new HostNamespaces(found, stale, complete);
    }

    /** Found again later, it would have to be looked for in the whole list. */
    private void listed(MountLook mounts, Fd mountns, long id) {
        HostNamespace namespace =
                at(new NamespaceLink(NamespaceType.MNT, id), new Source.MountList());
        if (namespace.equals(unrelated.peek()) && unrelated.poll() != null) {
            relate(namespace, mountns);
        }
        if (!mountMembers.containsKey(id)) {
            mounts.withoutProcess(mountns, id);
        }
    }

    /**
     * The type of the namespace with a number.
     *
     * @return nothing where no process is in one: it may be held otherwise
     */
    public Optional<NamespaceType> typeOf(long id) {
        return processes().parallelStream().flatMap(pid -> typeOf(id, pid).stream()).findAny();
    }

    private Optional<NamespaceType> typeOf(long id, int pid) {
        for (NamespaceType type : NamespaceType.values()) {
            if (own.namespace(pid, type).filter(link -> link.id() == id).isPresent()) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /**
     * Finds one namespace and who is in it, without looking at what else holds it, or at anything
     * else.
     *
     * @param name the name that it was asked for by
     * @return nothing where no process is in one without a name: it may be held otherwise
     */
    public HostNamespaces ofOne(NamespaceLink link, NamespaceRegistry.@Nullable Name name) {
        members(focus(link));
        if (name != null) {
            named(name, link.id());
        }
        return new HostNamespaces(found, List.of(), complete);
    }

    /** Finds one namespace and everything that holds it. */
    public HostNamespaces ofOneWithHolders(NamespaceLink link) {
        if (link.type() == NamespaceType.USER || !seesAllMounts()) {
            return run(processes().parallelStream()); // what it owns tells so
        }
        Focus focus = focus(link);
        names(focus);
        whole(focus);
        return new HostNamespaces(found, List.of(), complete);
    }

    private static Focus focus(NamespaceLink link) {
        return new Focus(EnumSet.of(link.type()), Set.of(link.id()));
    }

    /**
     * Finds those that have names and who is in them, without their other holders; all there is
     * where one of them may own others, which have to be looked for.
     */
    public HostNamespaces ofNames() {
        List<NamespaceRegistry.Name> stale = names(Focus.EVERYTHING);
        Set<NamespaceType> types = EnumSet.noneOf(NamespaceType.class);
        found.values().forEach(each -> types.add(each.type()));
        if (types.contains(NamespaceType.USER)
                || (types.contains(NamespaceType.PID) && !seesAllMounts())) {
            found.clear();
            unrelated.clear();
            return run(processes().parallelStream());
        }
        Focus focus = new Focus(types, Set.copyOf(found.keySet()));
        if (types.contains(NamespaceType.PID)) {
            whole(focus);
        } else {
            members(focus);
            List.copyOf(found.values()).forEach(this::relate);
        }
        return new HostNamespaces(found, stale, complete);
    }

    private void members(Focus focus) {
        ProcessLook look = new ProcessLook(tools, own, focus);
        processes().parallelStream().map(look::members).toList().forEach(this::take);
        complete &= look.isComplete();
    }

    private void whole(Focus focus) {
        ProcessLook look = new ProcessLook(tools, own, focus);
        processes().parallelStream().map(look::all).toList().forEach(this::take);
        take(look.sockets());
        MountLook mounts = new MountLook(tools);
        mounts.meant(focus, this::membersOfMounts);
        take(mounts.sights());
        complete &= look.isComplete() && mounts.isComplete();
        List.copyOf(found.values()).forEach(this::relate);
        link();
    }

    /** The kernel lists them to those alone who have every right in the first user namespace. */
    private boolean seesAllMounts() {
        if (finder.own(NamespaceType.USER)
                .filter(user -> user.id() == FIRST_USER_NAMESPACE)
                .isEmpty()) {
            return false;
        }
        try (Fd mounts = finder.openOwn(NamespaceType.MNT)) {
            calls.mounts(mounts, ignored -> false);
            return true;
        } catch (SyscallException e) {
            return false; // older than Linux 6.12
        }
    }

    /** Looked for once, and only where something is mounted that is meant. */
    private Map<Long, List<Integer>> membersOfMounts() {
        record In(long mounts, int pid) {}
        if (allMembers == null) {
            allMembers =
                    processes().parallelStream()
                            .flatMap(
                                    pid ->
                                            own
                                                    .namespace(pid, NamespaceType.MNT)
                                                    .map(link -> new In(link.id(), pid))
                                                    .stream())
                            .collect(
                                    Collectors.groupingBy(
                                            In::mounts,
                                            Collectors.mapping(In::pid, Collectors.toList())));
        }
        return allMembers;
    }

    /**
     * What is to be told of a namespace that has just been made, without looking at the rest of the
     * host.
     *
     * @param keeper the process that keeps a pid namespace
     */
    public HostNamespaces ofNew(NamespaceRegistry.Name name, long id, @Nullable Integer keeper) {
        if (keeper != null) {
            take(new ProcessLook(tools, own, Focus.EVERYTHING).all(keeper));
        }
        HostNamespace made = named(name, id);
        try (Fd self = syscalls.open(proc.path() + "/thread-self", Syscalls.O_PATH, 0)) {
            finder.link(self, ProcessLook.pathOf(NamespaceType.MNT))
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

    private void take(List<Sight> sights) {
        for (Sight sight : sights) {
            Source source = sight.source();
            HostNamespace namespace =
                    source == null ? found.get(sight.link().id()) : at(sight.link(), source);
            Holder holder = sight.holder();
            if (namespace == null || holder == null) {
                continue;
            }
            switch (holder) {
                case Holder.Member member -> {
                    namespace.addMember(member);
                    if (namespace.type() == NamespaceType.MNT) {
                        mountMembers
                                .computeIfAbsent(namespace.id(), id -> new ArrayList<>())
                                .add(member.pid());
                    }
                }
                default -> {
                    if (!mayBeSeenTwice(sight) || !namespace.holders().contains(holder)) {
                        namespace.holders().add(holder);
                    }
                }
            }
        }
    }

    /** Threads may share a table of descriptors, and one mount lies over another. */
    private static boolean mayBeSeenTwice(Sight sight) {
        return sight.holder() instanceof Holder.ProcMount
                || (sight.holder() instanceof Holder.Descriptor
                        && sight.source() instanceof Source.Link(_, String path)
                        && path.startsWith("task/"));
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

    private HostNamespace named(NamespaceRegistry.Name name, long id) {
        HostNamespace namespace =
                at(new NamespaceLink(name.type(), id), new Source.Mount((int) ownPid, name.path()));
        namespace.addName(name);
        return namespace;
    }

    /**
     * @return those that are stale
     */
    private List<NamespaceRegistry.Name> names(Focus focus) {
        List<NamespaceRegistry.Name> stale = new ArrayList<>();
        for (NamespaceRegistry.Name name : finder.registry().names()) {
            Long id = name.id();
            if (id == null) {
                stale.add(name);
            } else if (focus.means(new NamespaceLink(name.type(), id))) {
                named(name, id);
            }
        }
        return stale;
    }

    private void passOver(SyscallException failure) {
        if (failure.tellsNothing()) {
            complete = false;
        }
    }

    // ---------------------------------------------------------------- what is above

    private void relate(HostNamespace namespace) {
        if (isRemembered(namespace)) {
            return;
        }
        HostNamespaces all = new HostNamespaces(found, List.of(), complete);
        try (Fd open = opener.open(all, namespace)) {
            ask(namespace, open);
        } catch (SyscallException e) {
            passOver(e); // it is gone, or out of reach: nothing is known of what is above it
        }
    }

    private void relate(HostNamespace namespace, Fd open) {
        if (!isRemembered(namespace)) {
            ask(namespace, open);
        }
    }

    private boolean isRemembered(HostNamespace namespace) {
        Relations relations = own.relations(namespace).orElse(null);
        if (relations == null) {
            return false;
        }
        if (relations.parent() != null) {
            above(namespace, relations.parent(), namespace.type(), false);
        }
        if (relations.owner() != null && namespace.type() != NamespaceType.USER) {
            above(namespace, relations.owner(), NamespaceType.USER, true);
        }
        namespace.setRelations(relations);
        return true;
    }

    private void ask(HostNamespace namespace, Fd open) {
        boolean isUser = namespace.type() == NamespaceType.USER;
        Long parent = namespace.type().hasParent() ? parent(namespace, open) : null;
        Long owner = isUser ? parent : null;
        Long creator = null;
        try {
            if (isUser) {
                creator = calls.nsGetOwnerUid(open);
            } else {
                try (Fd userns = calls.nsGetUserns(open)) {
                    owner = above(namespace, userns, NamespaceType.USER, true);
                    creator = creators.get(owner);
                    if (creator == null) {
                        creator = calls.nsGetOwnerUid(userns);
                        creators.put(owner, creator);
                    }
                }
            }
        } catch (SyscallException e) {
            passOver(e); // it is gone, or its owner above the daemon's own user namespace (EPERM)
        }
        Relations relations = new Relations(parent, owner, creator);
        namespace.setRelations(relations);
        own.remember(namespace, relations);
    }

    /** Null where it is the first, gone, or out of sight (EPERM). */
    private @Nullable Long parent(HostNamespace namespace, Fd open) {
        try (Fd parent = calls.nsGetParent(open)) {
            return above(namespace, parent, namespace.type(), false);
        } catch (SyscallException e) {
            passOver(e);
            return null;
        }
    }

    private long above(HostNamespace below, Fd open, NamespaceType type, boolean owner) {
        long id = syscalls.fstat(open).inode();
        above(below, id, type, owner);
        return id;
    }

    private void above(HostNamespace below, long id, NamespaceType type, boolean owner) {
        at(new NamespaceLink(type, id), new Source.Above(below.id(), owner));
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

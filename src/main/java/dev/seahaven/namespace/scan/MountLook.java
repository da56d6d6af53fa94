package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ObjLongConsumer;
import java.util.function.Supplier;

/** Looks at the mounts that hold namespaces, in every mount namespace there is. */
final class MountLook {

    private static final long PROC_SUPER_MAGIC = 0x9fa0;

    /** Of the processes in a mount namespace, that are told with a mount in it. */
    private static final int PIDS_MAX = 100;

    private static final int MOUNTINFO_MAX = 16 << 20;

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final KnownMounts known;
    private final List<Sight> sights = new ArrayList<>();
    private boolean complete = true;

    MountLook(ScanTools tools) {
        this.syscalls = tools.syscalls();
        this.calls = tools.calls();
        this.proc = tools.proc();
        this.finder = tools.finder();
        this.known = tools.known();
    }

    List<Sight> sights() {
        return sights;
    }

    /** Whether everything could be read so far. */
    boolean isComplete() {
        return complete;
    }

    // ---------------------------------------------------------------- by their members

    /**
     * As one of those sees them that are in it; they end while others are looked at. Who has
     * another root sees only what is mounted below it: where all have, each of these roots is
     * looked from.
     *
     * @return whether one of them could be asked
     */
    boolean of(long mountNamespace, List<Integer> members) {
        Map<String, Integer> byRoot = new LinkedHashMap<>();
        for (int pid : members) {
            String root = root(pid);
            if (!root.equals("/")) {
                byRoot.putIfAbsent(root, pid);
            } else if (tell(mountNamespace, pid, members, new HashSet<>())) {
                return true;
            }
        }
        Set<Integer> told = new HashSet<>();
        boolean asked = false;
        for (int pid : byRoot.values()) {
            asked |= tell(mountNamespace, pid, members, told);
        }
        return asked;
    }

    /** Its root, as a path in its mount namespace; {@code /} where that is not known any more. */
    private String root(int pid) {
        try {
            return syscalls.readlinkat(Fd.AT_FDCWD, proc.path() + "/" + pid + "/root");
        } catch (SyscallException e) {
            return "/";
        }
    }

    private boolean tell(long mountNamespace, int pid, List<Integer> members, Set<Integer> told) {
        Optional<String> text = mountinfo(mountNamespace, pid);
        ProcRoot.lines(text.orElse(""))
                .filter(line -> line.contains(" - nsfs ") || line.contains(" - proc "))
                .map(MountInfo::parseLine)
                .filter(mount -> told.add(mount.id()))
                .forEach(mount -> mount(mount, mountNamespace, pid, members));
        return text.isPresent();
    }

    private Optional<String> mountinfo(long mountNamespace, int pid) {
        try (Fd dir = syscalls.open(proc.path() + "/" + pid, Syscalls.O_PATH, 0)) {
            if (finder.link(dir, ProcessLook.pathOf(NamespaceType.MNT))
                    .filter(link -> link.id() == mountNamespace)
                    .isEmpty()) {
                return Optional.empty();
            }
            String text = KernelText.decode(syscalls.readFile(dir, "mountinfo", MOUNTINFO_MAX));
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

    private void mount(MountInfo mount, long mountNamespace, int pid, List<Integer> members) {
        List<Integer> pids = members.stream().sorted().limit(PIDS_MAX).toList();
        int processes = members.size();
        String point = mount.mountPoint();
        if (mount.fileSystem().equals("nsfs")) {
            Holder holder = new Holder.Mount(point, mountNamespace, processes, pids);
            NamespaceLink.parse(mount.root())
                    .map(link -> new Sight(link, new Source.Mount(pid, point), holder))
                    .ifPresent(sights::add);
        } else if (mount.root().equals("/")) {
            Holder holder = new Holder.ProcMount(point, mountNamespace, processes, pids);
            shownBy(pid, point, null)
                    .map(link -> new Sight(link, null, holder))
                    .ifPresent(sights::add);
        }
    }

    /**
     * The pid namespace that a proc file system shows is that of its own process 1.
     *
     * @param device of the one that is meant; null for whichever lies there
     */
    private Optional<NamespaceLink> shownBy(int pid, String point, @Nullable Long device) {
        String path = point.equals("/") ? "." : point.substring(1);
        try (Fd root = syscalls.open(proc.path() + "/" + pid + "/root", Syscalls.O_PATH, 0);
                Fd mounted =
                        syscalls.openat2(
                                root,
                                path,
                                Syscalls.O_PATH,
                                Syscalls.RESOLVE_IN_ROOT | Syscalls.RESOLVE_NO_MAGICLINKS)) {
            if (calls.fileSystemType(mounted) != PROC_SUPER_MAGIC
                    || (device != null && syscalls.fstat(mounted).device() != device)) {
                return Optional.empty();
            }
            return finder.link(mounted, "1/ns/pid");
        } catch (SyscallException e) {
            passOver(e); // it is covered, or gone, or its pid namespace has died
            return Optional.empty();
        }
    }

    // ---------------------------------------------------------------- by the kernel's list

    /** Goes to all others in the kernel's list, from the daemon's own on. */
    void others(ObjLongConsumer<Fd> visitor) {
        others(calls::nsMntGetNext, visitor);
        others(calls::nsMntGetPrev, visitor);
    }

    private void others(Function<Fd, Optional<Fd>> neighbour, ObjLongConsumer<Fd> visitor) {
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
            visitor.accept(at, syscalls.fstat(at).inode());
        }
    }

    /** One that no process is in. */
    void withoutProcess(Fd mountns, long id) {
        try {
            for (NamespaceCalls.Mount mount : calls.mounts(mountns, ignored -> true)) {
                if (mount.magic() == NamespaceCalls.NSFS_MAGIC) {
                    Holder holder = new Holder.Mount(mount.point(), id, 0, List.of());
                    NamespaceLink.parse(mount.root())
                            .map(
                                    link ->
                                            new Sight(
                                                    link,
                                                    new Source.MountIn(id, mount.point()),
                                                    holder))
                            .ifPresent(sights::add);
                }
            }
        } catch (SyscallException e) {
            passOver(e); // it is gone
        }
    }

    /**
     * Looks only at mount namespaces in which something that is meant is mounted.
     *
     * @param members the processes by their mount namespace; asked for where that is needed
     */
    void meant(Focus focus, Supplier<Map<Long, List<Integer>>> members) {
        int[] there = {0};
        ObjLongConsumer<Fd> visitor =
                (mountns, id) -> {
                    if (mayHold(mountns, id, focus, members, there)) {
                        List<Integer> in = members.get().getOrDefault(id, List.of());
                        if (!of(id, in)) {
                            withoutProcess(mountns, id);
                        }
                    }
                };
        try (Fd own = syscalls.open(proc.path() + "/thread-self/ns/mnt", Syscalls.O_RDONLY, 0)) {
            visitor.accept(own, syscalls.fstat(own).inode());
        }
        others(visitor);
        known.forget(there[0]);
    }

    private boolean mayHold(
            Fd mountns,
            long id,
            Focus focus,
            Supplier<Map<Long, List<Integer>>> members,
            int[] there) {
        boolean wantsProc = focus.types().contains(NamespaceType.PID);
        boolean[] found = {false};
        List<NamespaceCalls.Mount> unknown;
        try {
            unknown =
                    calls.mounts(
                            mountns,
                            mount -> {
                                there[0]++;
                                NamespaceLink shown = known.shownBy(mount);
                                found[0] |= shown != null && focus.means(shown);
                                return shown == null && !known.holdsNothing(mount);
                            });
        } catch (SyscallException e) {
            passOver(e); // it is gone
            return false;
        }
        for (NamespaceCalls.Mount mount : unknown) {
            if (mount.magic() == NamespaceCalls.NSFS_MAGIC) {
                found[0] |= NamespaceLink.parse(mount.root()).filter(focus::means).isPresent();
            } else if (mount.magic() != PROC_SUPER_MAGIC || !mount.root().equals("/")) {
                known.holdsNothingAtAll(mount.id());
            } else if (wantsProc) {
                List<Integer> in = members.get().getOrDefault(id, List.of());
                found[0] |=
                        shows(mount, in).map(focus::means).orElse(true); // for all that is known
            }
        }
        return found[0];
    }

    /** A member may have another root, and see another file system there. */
    private Optional<NamespaceLink> shows(NamespaceCalls.Mount mount, List<Integer> members) {
        for (int pid : members) {
            Optional<NamespaceLink> found = shownBy(pid, mount.point(), mount.device());
            if (found.isPresent()) {
                known.shows(mount.id(), found.get());
                return found;
            }
        }
        return Optional.empty();
    }

    /**
     * What has gone meanwhile is no loss; what could not be looked at makes the scan incomplete.
     */
    private void passOver(SyscallException failure) {
        if (failure.tellsNothing()) {
            complete = false;
        }
    }
}

package dev.seahaven.namespace.life;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.scan.HostNamespace;
import dev.seahaven.namespace.scan.HostNamespaces;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.namespace.view.NamespaceView;
import dev.seahaven.namespace.view.NamespaceViewer;
import dev.seahaven.problem.Problem;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** What namespaces show from the inside. */
public final class NamespaceViews {

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final NamespaceFinder finder;
    private final HostScans scans;
    private final NamespaceViewer viewer;

    NamespaceViews(
            Syscalls syscalls,
            NamespaceCalls calls,
            NamespaceFinder finder,
            HostScans scans,
            NamespaceViewer viewer) {
        this.syscalls = syscalls;
        this.calls = calls;
        this.finder = finder;
        this.scans = scans;
        this.viewer = viewer;
    }

    /** A user id and a group id as one user namespace has them; null where it does not map them. */
    public record Ids(long namespace, @Nullable Long uid, @Nullable Long gid) {}

    /** The ids of a process in each user namespace from the daemon's down to its own. */
    public List<Ids> idsOf(int pid, long uid, long gid) {
        List<Ids> levels = new ArrayList<>();
        Fd at = finder.open(pid, NamespaceType.USER);
        Integer member = pid;
        while (true) {
            long id = syscalls.fstat(at).inode();
            try (Fd below = at) {
                NamespaceView.User maps =
                        viewer.user(
                                below,
                                member != null
                                        ? member
                                        : finder.member(NamespaceType.USER, id).orElse(null));
                levels.addFirst(
                        new Ids(
                                id,
                                inside(maps.uidMappings(), uid),
                                inside(maps.gidMappings(), gid)));
                at = calls.nsGetParent(below);
            } catch (SyscallException e) {
                if (e.errno() == Errno.EPERM) {
                    return levels; // the daemon's own was the last
                }
                throw e;
            }
            member = null;
        }
    }

    private static @Nullable Long inside(List<IdMapping> mappings, long outside) {
        return mappings.stream()
                .filter(mapping -> mapping.mapsOutside(outside))
                .map(mapping -> mapping.inside() + outside - mapping.outside())
                .findFirst()
                .orElse(null);
    }

    public NamespaceView view(HostNamespaces all, HostNamespace namespace) {
        try (Fd open = scans.open(all, namespace)) {
            HostNamespace.Leader leader = namespace.leader();
            return viewer.view(namespace.type(), open, leader == null ? null : leader.pid());
        } catch (SyscallException e) {
            if (e.errno() == Errno.ESRCH || e.errno() == Errno.ENOENT) {
                throw Problem.notFound("namespace", Long.toString(namespace.id()));
            }
            throw e;
        }
    }
}

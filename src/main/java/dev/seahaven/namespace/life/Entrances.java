package dev.seahaven.namespace.life;

import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.names.NamespaceRegistry;
import dev.seahaven.namespace.scan.Holder;
import dev.seahaven.namespace.scan.HostNamespace;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.namespace.view.NamespaceView;
import dev.seahaven.namespace.view.NamespaceViewer;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

/** Opens namespaces that are to be entered. */
public final class Entrances {

    private final Syscalls syscalls;
    private final NamespaceCalls calls;
    private final NamespaceFinder finder;
    private final HostScans scans;
    private final NamespaceViewer viewer;

    Entrances(
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

    /**
     * A namespace that is to be entered, open until it is closed.
     *
     * @param name where it is one of a network namespace
     * @param mapsRoot whether it is no user namespace, or one that maps the id 0
     * @param setgroups whether it is no user namespace, or one that allows setgroups(2)
     * @param owner of a mount namespace, to be entered with it where it is not the daemon's own:
     *     whoever made its files is not to have them run by root of the host
     * @param rootUid of the host, that the owner maps to 0
     */
    public record Entrance(
            NamespaceType type,
            Fd namespace,
            @Nullable String name,
            boolean mapsRoot,
            boolean setgroups,
            @Nullable Fd owner,
            @Nullable Long rootUid)
            implements AutoCloseable {
        @Override
        public void close() {
            namespace.close();
            if (owner != null) {
                owner.close();
            }
        }
    }

    /**
     * @throws Problem 404 where there is none, 409 where it cannot be entered any more
     */
    public Entrance enter(String reference) {
        HostScans.Located located = scans.locate(reference);
        HostNamespace found = located.namespace();
        if (found.type() == NamespaceType.PID && !hasInit(found)) {
            located = scans.inspect(reference); // it may wait for its first process
            found = located.namespace();
        }
        if (found.type() == NamespaceType.PID && !hasInit(found)) {
            throw new Problem(
                    ProblemType.WRONG_STATE,
                    "The pid namespace '" + reference + "' is dead: its init has ended.");
        }
        NamespaceRegistry.Name name = found.name();
        Fd open = scans.open(located.all(), found);
        Fd owner = null;
        try {
            String of = name == null ? null : name.name();
            if (found.type() == NamespaceType.MNT) {
                owner = otherOwner(open);
            }
            if (found.type() != NamespaceType.USER && owner == null) {
                return new Entrance(found.type(), open, of, true, true, null, null);
            }
            NamespaceView.User maps =
                    viewer.user(
                            owner == null ? open : owner,
                            found.leader() == null ? null : found.leader().pid());
            boolean mapsRoot =
                    maps.uidMappings().stream().anyMatch(mapping -> mapping.mapsInside(0))
                            && maps.gidMappings().stream()
                                    .anyMatch(mapping -> mapping.mapsInside(0));
            Long rootUid =
                    maps.uidMappings().stream()
                            .filter(mapping -> mapping.mapsInside(0))
                            .map(mapping -> mapping.outside() - mapping.inside())
                            .findFirst()
                            .orElse(null);
            return new Entrance(found.type(), open, of, mapsRoot, maps.setgroups(), owner, rootUid);
        } catch (RuntimeException e) {
            open.close();
            if (owner != null) {
                owner.close();
            }
            throw e;
        }
    }

    /** The user namespace that owns another; null where it is the daemon's own. */
    private @Nullable Fd otherOwner(Fd namespace) {
        Fd owner = calls.nsGetUserns(namespace);
        if (finder.own(NamespaceType.USER)
                .filter(own -> own.id() == syscalls.fstat(owner).inode())
                .isPresent()) {
            owner.close();
            return null;
        }
        return owner;
    }

    /** One that never had a process is waiting for its first, and lives too. */
    private boolean hasInit(HostNamespace pidns) {
        return pidns.processCount() > 0
                || pidns.holders().stream().anyMatch(Holder.ForChildren.class::isInstance);
    }
}

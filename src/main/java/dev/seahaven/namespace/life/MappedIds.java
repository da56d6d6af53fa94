package dev.seahaven.namespace.life;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.scan.HostNamespace;
import dev.seahaven.namespace.scan.HostNamespaces;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.namespace.view.NamespaceView;
import dev.seahaven.namespace.view.NamespaceViewer;
import dev.seahaven.problem.Problem;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What the user namespaces of the host map, but for the daemon's own: those of processes, and those
 * that only a mount, a descriptor or another namespace holds.
 */
final class MappedIds implements Supplier<Optional<List<IdMapping>>> {

    private static final Logger LOG = System.getLogger(MappedIds.class.getName());
    private static final int TRIES = 3;

    /** Who maps so many ids shares them with everybody, and gives none away. */
    private static final long MOST = 1L << 31;

    private final HostScans scans;
    private final NamespaceFinder finder;
    private final NamespaceViewer viewer;

    MappedIds(HostScans scans, NamespaceFinder finder, NamespaceViewer viewer) {
        this.scans = scans;
        this.finder = finder;
        this.viewer = viewer;
    }

    /** Empty where not every namespace could be looked at. */
    @Override
    public Optional<List<IdMapping>> get() {
        for (int i = 0; i < TRIES; i++) {
            try {
                HostNamespaces all = scans.newScan().run();
                if (all.isComplete()) {
                    return Optional.of(mapped(all));
                }
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "which ids are mapped cannot be told: {0}", e.getMessage());
            }
        }
        return Optional.empty();
    }

    private List<IdMapping> mapped(HostNamespaces all) {
        List<IdMapping> mapped = new ArrayList<>();
        long own = finder.own(NamespaceType.USER).map(NamespaceLink::id).orElse(0L);
        for (HostNamespace each : all.all()) {
            if (each.type() == NamespaceType.USER && each.id() != own) {
                mapped.addAll(mapped(all, each));
            }
        }
        return mapped;
    }

    private List<IdMapping> mapped(HostNamespaces all, HostNamespace namespace) {
        HostNamespace.Leader leader = namespace.leader();
        try (Fd open = scans.open(all, namespace)) {
            NamespaceView.User view = viewer.user(open, leader == null ? null : leader.pid());
            List<IdMapping> both = new ArrayList<>(view.uidMappings());
            both.addAll(view.gidMappings());
            both.removeIf(each -> each.length() > MOST);
            return both;
        } catch (Problem e) {
            return List.of(); // it is gone
        } catch (SyscallException e) {
            if (NamespaceThread.isGone(e)) {
                return List.of();
            }
            throw e;
        }
    }
}

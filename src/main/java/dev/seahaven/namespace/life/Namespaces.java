package dev.seahaven.namespace.life;

import dev.seahaven.ids.IdRanges;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.names.DeclaredNamespaces;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.namespace.scan.NamespaceOpener;
import dev.seahaven.namespace.scan.OwnProcesses;
import dev.seahaven.namespace.scan.PreparedNetwork;
import dev.seahaven.namespace.scan.ScanTools;
import dev.seahaven.namespace.view.NamespaceViewer;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.Syscalls;

import java.nio.file.Path;

/** The namespaces of the host: puts the parts together, and starts and stops them. */
public final class Namespaces {

    private final PreparedNetwork network;
    private final HostScans scans;
    private final NamespaceViews views;
    private final Entrances entrances;
    private final NamespaceNames names;
    private final IdRanges ids;
    private final MappedIds mapped;

    /**
     * @param declarations directory for what is declared
     */
    public Namespaces(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            Launcher launcher,
            Path declarations,
            NamespaceUsers users,
            IdRanges ids) {
        NamespaceThread threads = new NamespaceThread(syscalls, calls);
        NamespaceOpener opener = new NamespaceOpener(syscalls, calls, proc, threads);
        NamespaceViewer viewer =
                new NamespaceViewer(syscalls, calls, proc, finder, threads, launcher);
        DeclaredNamespaces declared = new DeclaredNamespaces(syscalls, declarations);
        this.network = new PreparedNetwork(syscalls, calls, threads);
        ScanTools tools =
                new ScanTools(
                        syscalls,
                        calls,
                        proc,
                        finder,
                        opener,
                        network,
                        new OwnProcesses(finder, users::ownProcesses));
        this.scans = new HostScans(tools, declared, users);
        this.views = new NamespaceViews(syscalls, calls, finder, scans, viewer);
        this.entrances = new Entrances(syscalls, calls, finder, scans, viewer);
        this.ids = ids;
        this.mapped = new MappedIds(scans, finder, viewer);
        NamespaceMaker maker =
                new NamespaceMaker(calls, threads, finder.registry(), finder, launcher, network);
        this.names = new NamespaceNames(syscalls, calls, proc, finder, maker, declared, scans, ids);
    }

    public HostScans scans() {
        return scans;
    }

    public NamespaceViews views() {
        return views;
    }

    public Entrances entrances() {
        return entrances;
    }

    public NamespaceNames names() {
        return names;
    }

    /**
     * Makes again what was declared and a reboot has taken.
     *
     * @param sameBoot whether names that are missing were taken away by somebody
     */
    public void start(boolean sameBoot) {
        names.start(sameBoot);
        ids.ask(mapped);
    }

    public void stop() {
        names.stop();
        network.close();
    }
}

package dev.seahaven.namespace.life;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.launcher.Keeper;
import dev.seahaven.launcher.LaunchPlan.Join;
import dev.seahaven.launcher.LaunchPlan.Maps;
import dev.seahaven.launcher.LaunchPlan.TimeOffsets;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.launcher.LauncherException;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.names.Declared;
import dev.seahaven.namespace.names.NamespaceRegistry;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.namespace.scan.PreparedNetwork;
import dev.seahaven.problem.Problem;
import dev.seahaven.syscall.CloneFlag;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Set;

/** Makes persistent namespaces: each by the way that its type needs. */
final class NamespaceMaker {

    private final NamespaceCalls calls;
    private final NamespaceThread threads;
    private final NamespaceRegistry registry;
    private final NamespaceFinder finder;
    private final Launcher launcher;
    private final PreparedNetwork network;

    NamespaceMaker(
            NamespaceCalls calls,
            NamespaceThread threads,
            NamespaceRegistry registry,
            NamespaceFinder finder,
            Launcher launcher,
            PreparedNetwork network) {
        this.calls = calls;
        this.threads = threads;
        this.registry = registry;
        this.finder = finder;
        this.launcher = launcher;
        this.network = network;
    }

    /**
     * Makes it and gives it its name; after a failure nothing is left.
     *
     * @return the process that keeps a pid namespace
     */
    @Nullable Integer make(Declared declared) {
        NamespaceType type = declared.type();
        Integer[] keeper = new Integer[1];
        registry.add(
                type,
                declared.name(),
                path -> {
                    switch (type) {
                        case NET -> prepared(path);
                        case UTS, IPC, CGROUP -> byThread(declared, path);
                        case MNT, USER, TIME, PID -> keeper[0] = byKeeper(declared, path);
                    }
                });
        return type == NamespaceType.PID ? keeper[0] : null;
    }

    private void prepared(String path) {
        try (Fd made = network.take()) {
            bind(made, path);
        }
        network.prepareNext();
    }

    private void byThread(Declared declared, String path) {
        threads.inNew(
                declared.type(),
                () -> {
                    if (declared.hostname() != null) {
                        calls.sethostname(declared.hostname());
                    }
                    registry.bind(NamespaceThread.ownLink(declared.type()), path);
                    return path;
                });
    }

    private int byKeeper(Declared declared, String path) {
        NamespaceType type = declared.type();
        // The launcher lives in mounts of its own: the new ones are a copy of the daemon's.
        try (Fd mounts = finder.openOwn(NamespaceType.MNT);
                Keeper keeper =
                        Keeper.start(
                                launcher,
                                Set.of(type.flag()),
                                type == NamespaceType.MNT
                                        ? List.of(new Join(CloneFlag.CLONE_NEWNS, mounts))
                                        : List.of(),
                                new Maps(
                                        IdMapping.text(declared.uidMappings()),
                                        IdMapping.text(declared.gidMappings())),
                                new TimeOffsets(
                                        declared.monotonicOffsetSeconds(),
                                        declared.boottimeOffsetSeconds()))) {
            registry.bind("/proc/" + keeper.pid() + "/ns/" + type.kernelName(), path);
            if (type == NamespaceType.PID) {
                keeper.keep();
            }
            return keeper.pid();
        } catch (LauncherException e) {
            if (type == NamespaceType.TIME && e.errno() == Errno.ERANGE) {
                throw Problem.invalid(
                        "monotonicOffsetSeconds", "an offset is out of the clock's range");
            }
            throw e;
        }
    }

    /** Gives a name to one that exists. */
    void adopt(NamespaceType type, String name, Fd namespace) {
        registry.add(type, name, path -> bind(namespace, path));
    }

    private void bind(Fd namespace, String path) {
        registry.bind("/proc/self/fd/" + namespace.number(), path);
    }
}

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
        switch (declared.type()) {
            case NET -> add(declared, this::prepared);
            case UTS, IPC, CGROUP -> add(declared, path -> byThread(declared, path));
            case MNT, USER, TIME -> byKeeper(declared);
            case PID -> {
                return byKeeper(declared);
            }
        }
        return null;
    }

    private void add(Declared declared, NamespaceRegistry.Binding binding) {
        registry.add(declared.type(), declared.name(), binding);
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

    private int byKeeper(Declared declared) {
        NamespaceType type = declared.type();
        // The launcher lives in mounts of its own: the new ones are a copy of the daemon's.
        try (Fd mounts = finder.openOwn(NamespaceType.MNT)) {
            return Keeper.with(
                    launcher,
                    Set.of(type.flag()),
                    type == NamespaceType.MNT
                            ? List.of(new Join(CloneFlag.CLONE_NEWNS, mounts))
                            : List.of(),
                    new Maps(
                            IdMapping.text(declared.uidMappings()),
                            IdMapping.text(declared.gidMappings())),
                    new TimeOffsets(
                            declared.monotonicOffsetSeconds(), declared.boottimeOffsetSeconds()),
                    keeper -> {
                        add(declared, path -> bind(keeper, type, path));
                        return keeper.pid();
                    });
        } catch (LauncherException e) {
            if (type == NamespaceType.TIME && e.errno() == Errno.ERANGE) {
                throw Problem.invalid(
                        "monotonicOffsetSeconds", "an offset is out of the clock's range");
            }
            throw e;
        }
    }

    private void bind(Keeper keeper, NamespaceType type, String path) {
        registry.bind("/proc/" + keeper.pid() + "/ns/" + type.kernelName(), path);
        if (type == NamespaceType.PID) {
            keeper.keep();
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

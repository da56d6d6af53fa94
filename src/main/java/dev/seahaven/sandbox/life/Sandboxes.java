package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.ids.IdRanges;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.launch.HardeningPlanner;
import dev.seahaven.sandbox.launch.SandboxLauncher;
import dev.seahaven.sandbox.root.RootSource;
import dev.seahaven.sandbox.spec.HostBounds;
import dev.seahaven.sandbox.spec.KernelSecurity;
import dev.seahaven.sandbox.spec.LimitsResolver;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxSettings;
import dev.seahaven.sandbox.spec.SecurityResolver;
import dev.seahaven.seccomp.SeccompCompiler;
import dev.seahaven.store.Documents;
import dev.seahaven.syscall.Syscalls;

import io.micrometer.core.instrument.MeterRegistry;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The sandboxes of this daemon: puts the parts together, and starts and stops them. */
public final class Sandboxes implements AutoCloseable {

    private static final Logger LOG = System.getLogger(Sandboxes.class.getName());

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final Cgroups cgroups;
    private final SandboxSettings settings;
    private final SandboxRegistry registry = new SandboxRegistry();
    private final SandboxFiles files;
    private final SandboxStore store;
    private final SandboxLauncher launches;
    private final HardeningPlanner hardening;
    private final LiveLimits liveLimits;
    private final Lives lives;
    private final DiskGuard<Sandbox> disk;
    private final SandboxCommands commands;
    private final SandboxQueries queries;
    private final SandboxMetrics metrics;
    private final SecurityResolver security;
    private volatile @Nullable LimitsResolver limits;
    private volatile @Nullable SandboxRecovery recovery;

    public Sandboxes(
            Syscalls syscalls,
            ProcRoot proc,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder namespaces,
            SandboxSettings settings,
            SeccompCompiler seccomp,
            MeterRegistry meters) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.cgroups = cgroups;
        this.settings = settings;
        KernelSecurity kernel = KernelSecurity.of(syscalls.landlockAbi());
        this.security = new SecurityResolver(seccomp, kernel, settings.allowPrivileged());
        this.hardening = new HardeningPlanner(seccomp, kernel);
        this.files = new SandboxFiles(syscalls, settings);
        this.store = new SandboxStore(new Documents(syscalls), files);
        this.liveLimits = new LiveLimits(syscalls, proc);
        this.launches =
                new SandboxLauncher(
                        syscalls,
                        proc,
                        launcher,
                        cgroups,
                        namespaces,
                        registry,
                        settings,
                        hardening);
        this.metrics = new SandboxMetrics(meters);
        this.lives = new Lives(syscalls, proc, launcher, launches, files, store, settings, metrics);
        this.disk =
                new DiskGuard<>(
                        syscalls,
                        proc,
                        settings.stateDirectory(),
                        settings.diskReserveBytes(),
                        this::growingLayers,
                        this::endForDisk);
        this.commands =
                new SandboxCommands(
                        registry, files, store, launches, lives, liveLimits, disk, settings);
        this.queries = new SandboxQueries(registry, files, launches);
        metrics.watch(cgroups::usage);
        metrics.gauge("seahaven.sandboxes", registry::size);
        metrics.gauge("seahaven.sandboxes.running", this::running);
        metrics.gauge("seahaven.id.ranges.used", launches.ids()::inUse);
    }

    private long running() {
        return registry.settled().filter(sandbox -> sandbox.state().status().isAlive()).count();
    }

    public SandboxCommands commands() {
        return commands;
    }

    public SandboxQueries queries() {
        return queries;
    }

    /** The way from a specification to the launcher, which runs take too. */
    public SandboxLauncher launches() {
        return launches;
    }

    public SandboxMetrics metrics() {
        return metrics;
    }

    /** The ids of the host that sandboxes and user namespaces are given. */
    public IdRanges ids() {
        return launches.ids();
    }

    /** Claims names and ids, for runs too. */
    public SandboxRegistry registry() {
        return registry;
    }

    public SecurityResolver security() {
        return security;
    }

    /** What the host has is known when the daemon's groups are made. */
    public LimitsResolver limits() {
        LimitsResolver known = limits;
        if (known == null) {
            known = new LimitsResolver(syscalls, new HostBounds(proc, cgroups, settings));
            limits = known;
        }
        return known;
    }

    /** The sandboxes that run, as an audit needs them. */
    public HardenedSandboxes hardened() {
        return new HardenedSandboxes(proc, registry, launches, hardening);
    }

    /**
     * Finds the sandboxes of a daemon before this one, and undoes what it left half made.
     *
     * @param sameBoot false after a reboot: no sandbox has survived it
     * @return what was found, when that is known of each; they can be asked for before
     */
    public CompletableFuture<SandboxRecovery.Found> recover(boolean sameBoot) {
        files.prepare();
        launches.prepare();
        files.clearRemoved();
        SandboxRecovery begun =
                new SandboxRecovery(
                        files, store, registry, launches, cgroups, liveLimits, lives, sameBoot);
        recovery = begun;
        CompletableFuture<SandboxRecovery.Found> all = begun.run();
        disk.start();
        return all.thenApply(
                found -> {
                    LOG.log(
                            Level.INFO,
                            "sandboxes: {0} running, {1} ended, {2} half made and undone, set"
                                    + " aside {3}",
                            found.running(),
                            found.ended(),
                            found.undone(),
                            found.setAside());
                    return found;
                });
    }

    /** Answers everybody who waits for a sandbox: the daemon stops, and the sandboxes stay. */
    public void stopWaiting() {
        queries.stopWaiting();
        SandboxRecovery begun = recovery;
        if (begun != null) {
            begun.stop();
        }
    }

    /** Gives back what it holds for itself; the sandboxes stay. */
    @Override
    public void close() {
        stopWaiting();
        disk.close();
        launches.close();
    }

    // ---------------------------------------------------------------- the disk

    /** The layers of those that run, may fill the disk, and are not ended for it already. */
    private Map<Sandbox, DiskGuard.Growth> growingLayers() {
        return registry.settled()
                .filter(sandbox -> sandbox.life() != null && RootSource.isOnDisk(sandbox.spec()))
                .filter(sandbox -> sandbox.ending() != Exit.Reason.DISK_LIMIT)
                .collect(Collectors.toMap(Function.identity(), this::growth));
    }

    private DiskGuard.Growth growth(Sandbox sandbox) {
        SandboxId id = sandbox.id();
        return new DiskGuard.Growth(files.layers(id), () -> launches.cgroup(id).processes());
    }

    private void endForDisk(Sandbox sandbox) {
        LOG.log(
                Level.WARNING,
                "the disk of {0} is nearly full: sandbox {1} has filled most of it and is ended",
                settings.stateDirectory(),
                sandbox.id());
        commands.endForDisk(sandbox);
    }
}

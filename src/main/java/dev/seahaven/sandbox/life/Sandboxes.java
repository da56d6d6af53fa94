package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.claim.Residue;
import dev.seahaven.ids.IdRanges;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.guard.Guarded;
import dev.seahaven.sandbox.guard.Guards;
import dev.seahaven.sandbox.launch.HardeningPlanner;
import dev.seahaven.sandbox.launch.SandboxLauncher;
import dev.seahaven.sandbox.spec.HostBounds;
import dev.seahaven.sandbox.spec.KernelSecurity;
import dev.seahaven.sandbox.spec.LimitsResolver;
import dev.seahaven.sandbox.spec.SandboxSettings;
import dev.seahaven.sandbox.spec.SecurityResolver;
import dev.seahaven.seccomp.SeccompCompiler;
import dev.seahaven.store.Documents;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.Syscalls;

import io.micrometer.core.instrument.MeterRegistry;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

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
    private final Guards guards;
    private final Residue residue;
    private final SandboxCommands commands;
    private final SandboxQueries queries;
    private final SandboxMetrics metrics;
    private final SecurityResolver security;
    private volatile @Nullable LimitsResolver limits;
    private volatile @Nullable SandboxRecovery recovery;

    public Sandboxes(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder namespaces,
            SandboxSettings settings,
            SeccompCompiler seccomp,
            Residue residue,
            MeterRegistry meters) {
        this.residue = residue;
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
        this.guards =
                new Guards(
                        syscalls,
                        calls,
                        proc,
                        settings.stateDirectory(),
                        settings.diskReserveBytes());
        guards.watch(this::guarded);
        this.commands =
                new SandboxCommands(
                        registry,
                        files,
                        store,
                        launches,
                        lives,
                        liveLimits,
                        guards.disk(),
                        settings);
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

    /** Those who look that nobody takes too much of what all share; runs are to be watched too. */
    public Guards guards() {
        return guards;
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
                        files,
                        store,
                        registry,
                        launches,
                        cgroups,
                        liveLimits,
                        lives,
                        residue,
                        sameBoot);
        recovery = begun;
        CompletableFuture<SandboxRecovery.Found> all = begun.run();
        guards.start();
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
        guards.close();
        launches.close();
    }

    /** Those that run and are not ended already. */
    private Collection<Guarded> guarded() {
        List<Guarded> guarded = new ArrayList<>();
        registry.settled()
                .filter(sandbox -> sandbox.life() != null)
                .filter(sandbox -> !GuardedSandbox.isEnded(sandbox.ending()))
                .forEach(
                        sandbox ->
                                guarded.add(
                                        new GuardedSandbox(sandbox, files, launches, commands)));
        return guarded;
    }
}

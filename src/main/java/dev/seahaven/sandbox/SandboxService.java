package dev.seahaven.sandbox;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Cgroups;
import dev.seahaven.cgroup.Usage;
import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.launcher.LauncherException;
import dev.seahaven.launcher.Report;
import dev.seahaven.namespace.IdMapping;
import dev.seahaven.namespace.IdRanges;
import dev.seahaven.namespace.NamespaceFinder;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.sandbox.SandboxState.Status;
import dev.seahaven.seccomp.SeccompCompiler;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.Signal;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.web.Problem;
import dev.seahaven.web.ProblemType;
import dev.seahaven.web.Violations;

import io.micrometer.core.instrument.MeterRegistry;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.json.JsonMapper;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** The life of sandboxes: made, started, stopped, and found again after the daemon was away. */
public final class SandboxService implements AutoCloseable {

    private static final Logger LOG = System.getLogger(SandboxService.class.getName());
    private static final Duration LAUNCH = Duration.ofSeconds(30);
    private static final Duration DEATH = Duration.ofSeconds(10);

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final Launcher launcher;
    private final Cgroups cgroups;
    private final SandboxSettings settings;
    private final SandboxRegistry registry = new SandboxRegistry();
    private final SandboxFiles files;
    private final SandboxLauncher launches;
    private final DiskGuard<Sandbox> disk;
    private final SandboxMetrics metrics;
    private final Runs runs;
    private final JsonMapper json;
    private final SecurityResolver security;
    private final HardeningPlanner hardening;
    private final LiveLimits live;
    private final CompletableFuture<Void> stopping = new CompletableFuture<>();
    private volatile @Nullable LimitsResolver limits;

    public SandboxService(
            Syscalls syscalls,
            ProcRoot proc,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder namespaces,
            SandboxSettings settings,
            SeccompCompiler seccomp,
            JsonMapper json,
            MeterRegistry meters) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.launcher = launcher;
        this.cgroups = cgroups;
        this.settings = settings;
        this.files = new SandboxFiles(syscalls, json, settings);
        this.json = json;
        KernelSecurity kernel = KernelSecurity.of(syscalls.landlockAbi());
        this.security = new SecurityResolver(seccomp, kernel, settings.allowPrivileged());
        this.hardening = new HardeningPlanner(seccomp, kernel);
        this.live = new LiveLimits(syscalls, proc);
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
        this.disk =
                new DiskGuard<>(
                        syscalls,
                        proc,
                        settings.stateDirectory(),
                        settings.diskReserveBytes(),
                        this::growingLayers,
                        this::endForDisk);
        this.metrics = new SandboxMetrics(meters);
        metrics.watch(cgroups::usage);
        this.runs = new Runs(launcher, launches, registry, metrics);
        meters.gauge(
                "seahaven.sandboxes.running",
                registry,
                all ->
                        all.all().stream()
                                .filter(sandbox -> sandbox.state().status().isAlive())
                                .count());
        meters.gauge("seahaven.sandboxes", registry, all -> all.all().size());
        meters.gauge("seahaven.id.ranges.used", launches.ids(), IdRanges::inUse);
    }

    /** Answers who waits for a sandbox or a run, for the daemon stops: runs end, sandboxes stay. */
    public void stopWaiting() {
        stopping.complete(null);
        runs.end();
    }

    /** Gives back what it holds for itself; the sandboxes stay. */
    @Override
    public void close() {
        disk.close();
        launches.close();
    }

    /** The ids of the host that sandboxes and user namespaces are given. */
    public IdRanges ids() {
        return launches.ids();
    }

    /** The ids of sandboxes that run, by the process number of their init. */
    public Map<Integer, String> runningByInit() {
        Map<Integer, String> running = new HashMap<>();
        for (Sandbox sandbox : registry.all()) {
            Sandbox.Life life = sandbox.life();
            if (life != null && life.init() != null) {
                running.put(life.init().pid(), sandbox.id().value());
            }
        }
        return running;
    }

    /**
     * The exit code of a command that could not be executed, as a shell has it: 127 or 126.
     *
     * @throws LauncherException the failure, where it is another
     */
    public static int exitCodeOfNotExecuted(LauncherException failure) {
        Exit exit = SandboxLauncher.notExecuted(failure);
        if (exit == null || exit.exitCode() == null) {
            throw failure;
        }
        return exit.exitCode();
    }

    /** The running ones, for who looks at them from outside. */
    public HardenedSandboxes hardened() {
        return new HardenedSandboxes(proc, registry, launches, hardening);
    }

    /** The layers of those that run, may fill the disk, and are not ended for it already. */
    private Map<Sandbox, DiskGuard.Growth> growingLayers() {
        return registry.all().stream()
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
        sandbox.ending(Exit.Reason.DISK_LIMIT);
        try {
            files.markEnding(sandbox.id(), Exit.Reason.DISK_LIMIT);
        } catch (SyscallException e) {
            LOG.log(
                    Level.WARNING,
                    "a daemon after this one will not know why: {0}",
                    e.getMessage());
        }
        killAll(sandbox.id());
    }

    /** For one request. */
    SpecResolver resolver(CreateSandboxRequest request) {
        return new SpecResolver(request, limits(), security);
    }

    /** What the host has is known when the daemon's groups are made. */
    private LimitsResolver limits() {
        LimitsResolver known = limits;
        if (known == null) {
            known = new LimitsResolver(syscalls, new HostBounds(proc, cgroups, settings));
            limits = known;
        }
        return known;
    }

    Sandbox get(String reference) {
        return registry.get(reference);
    }

    Collection<Sandbox> all() {
        return registry.all();
    }

    String cgroupPath(Sandbox sandbox) {
        return launches.cgroup(sandbox.id()).path();
    }

    LogFile log(Sandbox sandbox) {
        return new LogFile(files.log(sandbox.id()));
    }

    /** Makes a sandbox and, where it was asked for, starts it; after a failure nothing is left. */
    Sandbox create(SandboxSpec asked) {
        if (RootSource.isOnDisk(asked)) {
            disk.checkRoom();
        }
        Claims claims = new Claims();
        try {
            SandboxId id = registry.newId();
            registry.claimName(asked.name(), id);
            claims.add(() -> registry.releaseName(asked.name()));
            SandboxSpec spec = launches.claimIds(asked, claims);
            checkReferences(spec);
            Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
            Sandbox sandbox = new Sandbox(id, now, spec);
            claims.add(() -> files.remove(id));
            files.create(id);
            store(sandbox, null);
            if (spec.start()) {
                begin(sandbox);
            }
            registry.add(sandbox);
            claims.keep();
            return sandbox;
        } catch (RuntimeException e) {
            throw claims.undo(e);
        }
    }

    /** Makes a sandbox, runs it to its end, collects and destroys it. */
    Runs.Result run(SandboxSpec spec, @Nullable String stdin) {
        checkReferences(spec);
        return runs.run(spec, stdin);
    }

    private void checkReferences(SandboxSpec spec) {
        Violations wrong = new Violations();
        Sharing.references(spec)
                .forEach(
                        (reference, field) ->
                                wrong.require(
                                        registry.find(reference).isPresent(),
                                        field,
                                        "there is no sandbox '" + reference + "' to share with"));
        wrong.throwIfAny();
    }

    Sandbox start(String reference) {
        Sandbox sandbox = get(reference);
        return change(
                sandbox,
                () -> {
                    if (!sandbox.state().status().canStart()) {
                        throw wrongState(sandbox, "started; stop it first");
                    }
                    begin(sandbox);
                    return sandbox;
                });
    }

    static Problem wrongState(Sandbox sandbox, String what) {
        return new Problem(
                ProblemType.WRONG_STATE,
                "The sandbox "
                        + sandbox.id()
                        + " is "
                        + sandbox.state().status().name().toLowerCase(Locale.ROOT)
                        + " and cannot be "
                        + what
                        + ".");
    }

    private <T> T change(Sandbox sandbox, Supplier<T> work) {
        return sandbox.change(
                settings.changeTimeout(),
                () -> {
                    if (registry.find(sandbox.id().value()).isEmpty()) {
                        throw Problem.notFound("sandbox", sandbox.id().value());
                    }
                    return work.get();
                });
    }

    /** Starts a life. Afterwards it runs or, where the command cannot be executed, has failed. */
    private void begin(Sandbox sandbox) {
        long begun = System.nanoTime();
        SandboxId id = sandbox.id();
        SandboxSpec spec = sandbox.spec();
        CompletableFuture<Report> first = new CompletableFuture<>();
        CompletableFuture<Void> gone = new CompletableFuture<>();
        Claims claims = new Claims();
        try (Claims descriptors = new Claims()) {
            files.unmarkEnding(id);
            files.forgetEvidence(id);
            claims.add(() -> files.removeRun(id));
            SandboxLauncher.Files opened =
                    new SandboxLauncher.Files(
                            null,
                            RootSource.isOnDisk(spec)
                                    ? descriptors.opened(files.openLayers(id))
                                    : null,
                            descriptors.opened(files.openLog(id, settings.logLimitBytes())),
                            descriptors.opened(files.createRun(id)),
                            descriptors.opened(files.openDirectory(id)));
            long claimed = System.nanoTime();
            SandboxLauncher.Sent sent =
                    launches.send(
                            id,
                            spec,
                            opened,
                            false,
                            claims,
                            report -> {
                                first.complete(report);
                                if (report instanceof Report.Gone) {
                                    gone.complete(null);
                                }
                            });
            claims.add(() -> giveUp(id, sent.launch(), gone));
            Report.Launched launched = await(first);
            PidFd init = find(launched.pid(), launched.startTicks()).orElse(null);
            Sandbox.Life life =
                    new Sandbox.Life(init, null, launched.startedAt(), new CompletableFuture<>());
            Duration whole = Duration.ofNanos(System.nanoTime() - begun);
            metrics.launched(launched, Duration.ofNanos(claimed - begun), whole);
            sandbox.timings(
                    new Sandbox.Timings(
                            millis(claimed - begun),
                            millis(whole.toNanos() - (claimed - begun)),
                            millis(whole.toNanos())));
            sandbox.begin(life, launched.pid(), sent.mappings());
            watch(id);
            var ignored =
                    gone.thenRun(() -> Thread.startVirtualThread(() -> finish(sandbox, life)));
            claims.keep();
        } catch (LauncherException e) {
            metrics.failed(e.stage().name().toLowerCase(Locale.ROOT));
            RuntimeException failure = claims.undo(launches.explain(spec, e));
            Exit exit = SandboxLauncher.notExecuted(e);
            if (exit == null || failure.getSuppressed().length > 0) {
                throw failure;
            }
            sandbox.state(sandbox.state().failed(exit));
            store(sandbox, exit);
        } catch (RuntimeException e) {
            throw claims.undo(e);
        }
    }

    /** Ends a life that was sent off; its monitor, which writes the exit record, ends last. */
    private void giveUp(SandboxId id, Launcher.Launch launch, CompletableFuture<Void> gone) {
        try (launch) {
            killAll(id);
            if (!ended(gone, DEATH)) {
                throw new SyscallException("launch(the monitor has not ended)", Errno.ETIMEDOUT);
            }
        }
    }

    private void watch(SandboxId id) {
        if (settings.metricsPerSandbox()) {
            metrics.watch(id, () -> launches.cgroup(id).usage());
        }
    }

    private static double millis(long nanos) {
        return Math.round(nanos / 1e3) / 1e3;
    }

    /** Waits for what a monitor says first. */
    private static Report.Launched await(CompletableFuture<Report> first) {
        try {
            return switch (first.get(LAUNCH.toSeconds(), TimeUnit.SECONDS)) {
                case Report.Launched launched -> launched;
                case Report.Failed failed -> throw LauncherException.of(failed);
                case Report.Output ignored -> throw lost();
                case Report.Exited ignored -> throw lost();
                case Report.Gone ignored -> throw lost();
            };
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        } catch (TimeoutException e) {
            throw new SyscallException("launch(no answer in " + LAUNCH + ")", Errno.ETIMEDOUT);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private static SyscallException lost() {
        return new SyscallException("launch(the monitor was killed)", Errno.ECHILD);
    }

    /** A process that has started then; its number may have become another's. */
    private PidFd hold(int pid, long startTicks) {
        PidFd pidfd = syscalls.pidfdOpen(pid);
        Optional<ProcStat> stat = ProcStat.read(proc, pid);
        if (stat.isEmpty() || stat.get().startTicks() != startTicks) {
            pidfd.close();
            throw new SyscallException("pidfd_open(" + pid + ")", Errno.ESRCH);
        }
        return pidfd;
    }

    /** The monitor has ended: reads how, and gives back what the life had. */
    private void finish(Sandbox sandbox, Sandbox.Life life) {
        Exit exit;
        try {
            exit = exitOf(sandbox, life);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "how sandbox " + sandbox.id() + " ended cannot be read", e);
            exit = Exit.monitorLost();
        }
        try {
            releaseLife(sandbox.id());
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "what sandbox " + sandbox.id() + " had is kept until DELETE", e);
        }
        life.close();
        if (settings.metricsPerSandbox()) {
            metrics.forget(sandbox.id());
        }
        metrics.ended(exit);
        sandbox.end(life, exit);
    }

    private void releaseLife(SandboxId id) {
        launches.cgroup(id).remove();
        files.removeRun(id);
    }

    private Exit exitOf(Sandbox sandbox, Sandbox.Life life) {
        Evidence evidence = evidence(sandbox.id());
        Exit.Reason asked = sandbox.ending();
        Optional<Report.Exited> record =
                files.readExit(sandbox.id())
                        .filter(exit -> exit.launched().startedAt().equals(life.startedAt()));
        if (record.isPresent()) {
            return Exit.of(
                    record.get(), asked == null ? files.readEnding(sandbox.id()) : asked, evidence);
        }
        // Without its monitor init is killed; whatever ended it before shows in its pidfd.
        OptionalInt status = life.init() == null ? OptionalInt.empty() : lastStatus(life.init());
        if (status.isEmpty() || Report.signal(status.getAsInt()) == Signal.KILL.number()) {
            // A full disk has no room for a record.
            return asked == null
                    ? Exit.monitorLost()
                    : Exit.ofStatus(Signal.KILL.number(), asked, Instant.now(), evidence);
        }
        return Exit.ofStatus(
                status.getAsInt(),
                Exit.ofStatus(status.getAsInt(), evidence),
                Instant.now(),
                evidence);
    }

    /** What the kernel counted in the life that has ended, kept before its groups are removed. */
    private Evidence evidence(SandboxId id) {
        Evidence evidence = launches.cgroup(id).evidence();
        try {
            files.writeEvidence(id, evidence);
        } catch (SyscallException e) {
            LOG.log(Level.WARNING, "the evidence of {0} is not kept: {1}", id, e.getMessage());
        }
        return evidence;
    }

    /** Its parent is gone; pid 1 reaps it, sooner or later. */
    private OptionalInt lastStatus(PidFd init) {
        long end = System.nanoTime() + DEATH.toNanos();
        OptionalInt status = syscalls.pidfdExitStatus(init);
        while (status.isEmpty() && System.nanoTime() < end) {
            pause();
            status = syscalls.pidfdExitStatus(init);
        }
        return status;
    }

    private static void pause() {
        LockSupport.parkNanos(5_000_000);
    }

    /** Asks the command to end and, after the time, kills all. */
    Sandbox stop(String reference, Duration wait, @Nullable Signal signal) {
        Sandbox sandbox = get(reference);
        return change(
                sandbox,
                () -> {
                    Sandbox.Life life = alive(sandbox, "stopped");
                    end(sandbox, life, wait, signal);
                    return sandbox;
                });
    }

    private static Sandbox.Life alive(Sandbox sandbox, String what) {
        Sandbox.Life life = sandbox.life();
        if (life == null) {
            throw wrongState(sandbox, what);
        }
        return life;
    }

    private void end(Sandbox sandbox, Sandbox.Life life, Duration wait, @Nullable Signal signal) {
        sandbox.ending(Exit.Reason.STOPPED);
        files.markEnding(sandbox.id(), Exit.Reason.STOPPED);
        thaw(sandbox);
        send(life, signal == null ? sandbox.spec().stopSignal() : signal);
        if (!ended(life.ended(), wait)) {
            killAll(sandbox.id());
            awaitDeath(sandbox, life);
        }
    }

    private void thaw(Sandbox sandbox) {
        if (sandbox.state().status() == Status.PAUSED) {
            inGroup(sandbox, "resumed", Cgroup::thaw);
            sandbox.change(SandboxState::resumed);
        }
    }

    /** Its group is gone as soon as it has ended. */
    private void inGroup(Sandbox sandbox, String what, Consumer<Cgroup> work) {
        try {
            work.accept(launches.cgroup(sandbox.id()));
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENODEV) {
                throw wrongState(sandbox, what + ": it has just ended");
            }
            throw e;
        }
    }

    private void send(Sandbox.Life life, Signal signal) {
        if (life.init() == null) {
            return;
        }
        try {
            syscalls.pidfdSendSignal(life.init(), signal);
        } catch (SyscallException e) {
            if (e.errno() != Errno.ESRCH) {
                throw e;
            }
        } catch (IllegalStateException e) {
            // Closed: it has ended in between.
        }
    }

    private void killAll(SandboxId id) {
        try {
            launches.cgroup(id).kill();
        } catch (SyscallException e) {
            if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENODEV) {
                throw e;
            }
        }
    }

    private static boolean ended(Future<?> end, Duration wait) {
        try {
            end.get(wait.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void awaitDeath(Sandbox sandbox, Sandbox.Life life) {
        if (!ended(life.ended(), DEATH)) {
            throw new Problem(
                    ProblemType.BUSY,
                    "The processes of sandbox "
                            + sandbox.id()
                            + " were killed but have not died yet; try again.");
        }
    }

    /** Sends a signal to the command; KILL ends every process, at once. */
    Sandbox kill(String reference, Signal signal) {
        Sandbox sandbox = get(reference);
        return change(
                sandbox,
                () -> {
                    Sandbox.Life life = alive(sandbox, "killed");
                    if (signal == Signal.STOP && sandbox.spec().init()) {
                        throw Problem.invalid(
                                "signal", "would stop the init and not the command; pause it");
                    }
                    if (signal == Signal.KILL) {
                        killAll(sandbox.id());
                        awaitDeath(sandbox, life);
                    } else {
                        send(life, signal);
                    }
                    return sandbox;
                });
    }

    Sandbox restart(String reference, Duration wait) {
        Sandbox sandbox = get(reference);
        return change(
                sandbox,
                () -> {
                    Sandbox.Life life = sandbox.life();
                    if (life != null) {
                        end(sandbox, life, wait, null);
                    }
                    begin(sandbox);
                    sandbox.change(SandboxState::restarted);
                    store(sandbox, sandbox.life() == null ? sandbox.state().exit() : null);
                    return sandbox;
                });
    }

    private void store(Sandbox sandbox, @Nullable Exit failure) {
        files.write(stored(sandbox, sandbox.spec(), failure));
    }

    private static SandboxFiles.Stored stored(
            Sandbox sandbox, SandboxSpec spec, @Nullable Exit failure) {
        return new SandboxFiles.Stored(
                sandbox.id(),
                sandbox.createdAt(),
                spec,
                sandbox.state().restarts(),
                failure,
                sandbox.state().status() == Status.PAUSED);
    }

    /**
     * Changes name, labels and limits, also of one that runs. What is to be is on disk before
     * anything is done: a daemon that is killed within leaves it to the next ({@link
     * SandboxRecovery}).
     *
     * @param patch a merge patch (RFC 7386) of what {@code POST /sandboxes} takes
     */
    Sandbox patch(String reference, PatchSandboxRequest patch, Consumer<Sandbox> check) {
        Sandbox sandbox = get(reference);
        return change(
                sandbox,
                () -> {
                    check.accept(sandbox);
                    SandboxSpec before = sandbox.spec();
                    SandboxSpec after = new SpecPatch(json, limits()).apply(before, patch);
                    boolean renamed = !Objects.equals(before.name(), after.name());
                    if (renamed) {
                        registry.claimName(after.name(), sandbox.id());
                    }
                    try {
                        files.draft(stored(sandbox, after, storedFailure(sandbox)));
                        if (sandbox.life() != null) {
                            live.change(
                                    launches.cgroup(sandbox.id()), before.limits(), after.limits());
                        }
                    } catch (RuntimeException e) {
                        files.discard(sandbox.id());
                        if (renamed) {
                            registry.releaseName(after.name());
                        }
                        throw e;
                    }
                    sandbox.spec(after);
                    if (renamed) {
                        registry.releaseName(before.name());
                    }
                    files.commit(sandbox.id());
                    return sandbox;
                });
    }

    private static @Nullable Exit storedFailure(Sandbox sandbox) {
        return sandbox.state().status() == Status.FAILED ? sandbox.state().exit() : null;
    }

    /**
     * What a sandbox uses.
     *
     * @throws Problem 409 when it does not run
     */
    Usage usage(Sandbox sandbox) {
        alive(sandbox, "measured; start it first");
        return launches.cgroup(sandbox.id()).usage();
    }

    Sandbox pause(String reference) {
        Sandbox sandbox = get(reference);
        return change(
                sandbox,
                () -> {
                    if (sandbox.state().status() != Status.RUNNING) {
                        throw wrongState(sandbox, "paused");
                    }
                    inGroup(sandbox, "paused", Cgroup::freeze);
                    sandbox.change(SandboxState::paused);
                    return sandbox;
                });
    }

    Sandbox resume(String reference) {
        Sandbox sandbox = get(reference);
        return change(
                sandbox,
                () -> {
                    if (sandbox.state().status() != Status.PAUSED) {
                        throw wrongState(sandbox, "resumed");
                    }
                    thaw(sandbox);
                    return sandbox;
                });
    }

    /**
     * Waits for the end of the life that is.
     *
     * @throws Problem 408 when the time is over, 409 when it was never started
     */
    Exit await(String reference, Duration wait) {
        Sandbox sandbox = get(reference);
        Sandbox.Life life = sandbox.life();
        if (life != null && !ended(CompletableFuture.anyOf(life.ended(), stopping), wait)) {
            throw new Problem(
                    ProblemType.WAIT_EXPIRED,
                    "The sandbox " + sandbox.id() + " still runs; wait again.");
        }
        if (life != null && !life.ended().isDone()) {
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        }
        Exit exit = sandbox.state().exit();
        if (exit == null) {
            throw wrongState(sandbox, "waited for; start it first");
        }
        return exit;
    }

    /**
     * Destroys a sandbox.
     *
     * @param expected checks the version before anything is done
     */
    void delete(String reference, boolean force, Consumer<Sandbox> expected) {
        Sandbox sandbox = get(reference);
        change(
                sandbox,
                () -> {
                    expected.accept(sandbox);
                    checkSharers(sandbox, force);
                    Sandbox.Life life = sandbox.life();
                    if (life != null && !force) {
                        throw wrongState(sandbox, "deleted; stop it first, or give force=true");
                    }
                    if (life != null) {
                        killAll(sandbox.id());
                        awaitDeath(sandbox, life);
                    }
                    remove(sandbox);
                    return sandbox;
                });
    }

    private void checkSharers(Sandbox sandbox, boolean force) {
        List<Sandbox> sharers = registry.sharersOf(sandbox);
        if (!sharers.isEmpty() && !force) {
            throw new Problem(
                            ProblemType.IN_USE,
                            "Other sandboxes share namespaces of "
                                    + sandbox.id()
                                    + "; delete them first, or give force=true.")
                    .with(
                            "holders",
                            sharers.stream()
                                    .map(
                                            other ->
                                                    Map.of(
                                                            "kind",
                                                            "sandbox",
                                                            "id",
                                                            other.id().value()))
                                    .toList());
        }
    }

    private void remove(Sandbox sandbox) {
        launches.cgroup(sandbox.id()).remove();
        files.remove(sandbox.id());
        giveBackIds(sandbox.spec());
        registry.remove(sandbox);
    }

    private void giveBackIds(SandboxSpec spec) {
        launches.ids().giveBack(spec.namespaces().user().uidMappings());
        launches.ids().giveBack(spec.namespaces().user().gidMappings());
    }

    /** What a start of the daemon found. */
    public record Recovery(int running, int ended, int undone, List<String> setAside) {}

    /**
     * Finds the sandboxes of a daemon before this one, and undoes what it left half made.
     *
     * @param sameBoot false after a reboot: no sandbox has survived it
     */
    public Recovery recover(boolean sameBoot) {
        files.prepare();
        SandboxRecovery recovery =
                new SandboxRecovery(files, registry, launches, cgroups, live, sameBoot);
        Recovery found = recovery.run(this::resume);
        disk.start();
        LOG.log(
                Level.INFO,
                "sandboxes: {0} running, {1} ended, {2} half made and undone, set aside {3}",
                found.running(),
                found.ended(),
                found.undone(),
                found.setAside());
        return found;
    }

    /** Takes up a life that a daemon before this one began, or reads how it ended meanwhile. */
    private void resume(Sandbox sandbox, Report.Launched launched) {
        Optional<PidFd> monitor = find(launched.monitorPid(), launched.monitorStartTicks());
        Optional<PidFd> init = find(launched.pid(), launched.startTicks());
        if (monitor.isPresent() && init.isPresent()) {
            Sandbox.Life life =
                    new Sandbox.Life(
                            init.get(),
                            monitor.get(),
                            launched.startedAt(),
                            new CompletableFuture<>());
            sandbox.begin(life, launched.pid(), mappingsOf(launched.pid()));
            watch(sandbox.id());
            if (launches.cgroup(sandbox.id()).isFrozen()) {
                sandbox.change(SandboxState::paused);
            }
            launcher.watch(
                    monitor.get(), () -> Thread.startVirtualThread(() -> finish(sandbox, life)));
            return;
        }
        // A monitor whose sandbox has ended is about to write the exit record.
        monitor.ifPresent(this::awaitEnd);
        monitor.ifPresent(PidFd::close);
        init.ifPresent(PidFd::close);
        Exit.Reason asked = files.readEnding(sandbox.id());
        Evidence evidence = evidence(sandbox.id());
        Exit exit =
                files.readExit(sandbox.id())
                        .filter(record -> record.launched().equals(launched))
                        .map(record -> Exit.of(record, asked, evidence))
                        .orElseGet(Exit::monitorLost);
        sandbox.state(sandbox.state().running(launched.pid(), launched.startedAt()).ended(exit));
        releaseLife(sandbox.id());
    }

    private Optional<PidFd> find(int pid, long startTicks) {
        try {
            return Optional.of(hold(pid, startTicks));
        } catch (SyscallException e) {
            if (e.errno() == Errno.ESRCH) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private void awaitEnd(PidFd process) {
        long end = System.nanoTime() + DEATH.toNanos();
        while (!syscalls.hasEnded(process) && System.nanoTime() < end) {
            pause();
        }
    }

    private Mappings mappingsOf(int pid) {
        return new Mappings(
                IdMapping.parse(proc.read(pid + "/uid_map").orElse("")),
                IdMapping.parse(proc.read(pid + "/gid_map").orElse("")));
    }
}

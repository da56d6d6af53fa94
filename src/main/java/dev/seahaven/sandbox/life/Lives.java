package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.claim.Claims;
import dev.seahaven.ids.Mappings;
import dev.seahaven.launcher.Launch;
import dev.seahaven.launcher.LaunchKind;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.launcher.LauncherException;
import dev.seahaven.launcher.MonitorLostException;
import dev.seahaven.launcher.Report;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.sandbox.launch.SandboxLauncher;
import dev.seahaven.sandbox.root.RootSource;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxSettings;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.Signal;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * The lives of sandboxes: how one begins, ends and is found again. Who may begin or end one, and
 * when, is for {@link SandboxCommands}, which holds the sandbox meanwhile.
 */
final class Lives {

    private static final Logger LOG = System.getLogger(Lives.class.getName());
    private static final Duration LAUNCH = Duration.ofSeconds(30);
    private static final Duration DEATH = Duration.ofSeconds(10);

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final Launcher launcher;
    private final SandboxLauncher launches;
    private final SandboxFiles files;
    private final SandboxStore store;
    private final SandboxSettings settings;
    private final SandboxMetrics metrics;

    Lives(
            Syscalls syscalls,
            ProcRoot proc,
            Launcher launcher,
            SandboxLauncher launches,
            SandboxFiles files,
            SandboxStore store,
            SandboxSettings settings,
            SandboxMetrics metrics) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.launcher = launcher;
        this.launches = launches;
        this.files = files;
        this.store = store;
        this.settings = settings;
        this.metrics = metrics;
    }

    // ---------------------------------------------------------------- the beginning

    /** Starts a life. Afterwards it runs or, where the command cannot be executed, has failed. */
    void begin(Sandbox sandbox) {
        MonitorLostException.tryAgain(() -> beginOnce(sandbox));
    }

    private Sandbox beginOnce(Sandbox sandbox) {
        long begun = System.nanoTime();
        SandboxId id = sandbox.id();
        SandboxSpec spec = sandbox.spec();
        CompletableFuture<Report> first = new CompletableFuture<>();
        CompletableFuture<Void> gone = new CompletableFuture<>();
        Claims claims = new Claims();
        try (Claims descriptors = new Claims()) {
            if (!sandbox.isEndStored()) {
                keepEnd(sandbox, StoredEnd.of(sandbox.state()));
            }
            claims.add(() -> files.clearLife(id));
            SandboxLauncher.Files opened = open(id, spec, descriptors);
            long claimed = System.nanoTime();
            SandboxLauncher.Sent sent =
                    launches.send(
                            id,
                            spec,
                            opened,
                            LaunchKind.SANDBOX,
                            claims,
                            report -> {
                                first.complete(report);
                                if (report instanceof Report.Gone) {
                                    gone.complete(null);
                                }
                            });
            claims.add(() -> giveUp(id, sent.launch(), gone));
            Report.Launched launched;
            try {
                launched = await(first);
            } catch (LauncherException e) {
                metrics.failed(e.stage().text());
                fail(sandbox, sent, claims, e);
                return sandbox;
            }
            Life life = live(sandbox, launched, sent);
            time(sandbox, launched, begun, claimed);
            var ignored =
                    gone.thenRun(() -> Thread.startVirtualThread(() -> finish(sandbox, life)));
            claims.keep();
            return sandbox;
        } catch (RuntimeException e) {
            throw claims.undo(e);
        }
    }

    private SandboxLauncher.Files open(SandboxId id, SandboxSpec spec, Claims descriptors) {
        return new SandboxLauncher.Files(
                null,
                RootSource.isOnDisk(spec) ? descriptors.opened(files.openLayers(id)) : null,
                descriptors.opened(files.openLog(id, settings.logLimitBytes())),
                descriptors.opened(files.createRun(id)),
                descriptors.opened(files.openDirectory(id)));
    }

    /**
     * Checks all that can be known before a life begins.
     *
     * @throws Problem with what a start would be refused for
     */
    void check(Sandbox sandbox) {
        launches.check(sandbox.spec());
    }

    /** A command that cannot be executed is a result, and anything else an error. */
    private void fail(
            Sandbox sandbox, SandboxLauncher.Sent sent, Claims claims, LauncherException failure) {
        OptionalInt exitCode = failure.shellExitCode();
        if (exitCode.isEmpty()) {
            throw launches.explain(sandbox.spec(), sent, failure);
        }
        claims.close();
        Exit exit = Exit.notExecuted(exitCode.getAsInt());
        sandbox.state(sandbox.state().failed(exit));
        keepEnd(sandbox, StoredEnd.notExecuted(exit));
    }

    /** Stores how a life ended, and only then forgets what tells it otherwise. */
    private void keepEnd(Sandbox sandbox, StoredEnd end) {
        sandbox.endStored(false);
        store.writeEnd(sandbox.id(), end);
        sandbox.endStored(true);
        files.clearLife(sandbox.id());
    }

    /** Waits for what the monitor says first. */
    private static Report.Launched await(CompletableFuture<Report> first) {
        try {
            return switch (first.get(LAUNCH.toSeconds(), TimeUnit.SECONDS)) {
                case Report.Launched launched -> launched;
                case Report.Failed failed -> throw LauncherException.of(failed);
                case Report.Output ignored -> throw new MonitorLostException(false);
                case Report.Exited ignored -> throw new MonitorLostException(false);
                case Report.Gone gone -> throw new MonitorLostException(gone.untouched());
            };
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw stopping();
        } catch (TimeoutException e) {
            throw new SyscallException("launch(no answer in " + LAUNCH + ")", Errno.ETIMEDOUT);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    static Problem stopping() {
        return new Problem(ProblemType.BUSY, "The daemon stops.");
    }

    private Life live(Sandbox sandbox, Report.Launched launched, SandboxLauncher.Sent sent) {
        PidFd init = find(launched.pid(), launched.startTicks()).orElse(null);
        Life life = new Life(init, null, launched, new CompletableFuture<>());
        sandbox.begin(life, launched.pid(), sent.mappings());
        watch(sandbox.id());
        return life;
    }

    private void time(Sandbox sandbox, Report.Launched launched, long begun, long claimed) {
        Duration whole = Duration.ofNanos(System.nanoTime() - begun);
        metrics.launched(launched, Duration.ofNanos(claimed - begun), whole);
        sandbox.timings(
                new Sandbox.Timings(
                        millis(claimed - begun),
                        millis(whole.toNanos() - (claimed - begun)),
                        millis(whole.toNanos())));
    }

    private static double millis(long nanos) {
        return Math.round(nanos / 1e3) / 1e3;
    }

    /** Ends a life that was sent off; its monitor, which writes the exit record, ends last. */
    private void giveUp(SandboxId id, Launch launch, CompletableFuture<Void> gone) {
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

    /** Takes up a life that a daemon before this one began, or reads how it ended meanwhile. */
    void resume(Sandbox sandbox, Report.Launched launched) {
        Optional<PidFd> monitor = find(launched.monitorPid(), launched.monitorStartTicks());
        Optional<PidFd> init = find(launched.pid(), launched.startTicks());
        if (monitor.isPresent() && init.isPresent()) {
            Life life = new Life(init.get(), monitor.get(), launched, new CompletableFuture<>());
            sandbox.begin(
                    life,
                    launched.pid(),
                    Mappings.read(proc, launched.pid()).unlessGone().orElse(Mappings.NONE));
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
        Evidence evidence = launches.cgroup(sandbox.id()).evidence();
        Exit exit =
                files.readExit(sandbox.id())
                        .filter(record -> record.launched().equals(launched))
                        .map(record -> Exit.of(record, asked, evidence))
                        .orElseGet(Exit::monitorLost);
        over(sandbox, launched.startedAt(), exit);
    }

    /** A life is over that no longer is one of this daemon's. */
    void over(Sandbox sandbox, @Nullable Instant startedAt, Exit exit) {
        sandbox.change(state -> state.over(startedAt, exit));
        try {
            keepEnd(sandbox, StoredEnd.of(startedAt, exit));
        } catch (SyscallException e) {
            notKept(sandbox, e);
        }
        launches.cgroup(sandbox.id()).remove();
    }

    private static void notKept(Sandbox sandbox, SyscallException failure) {
        LOG.log(
                Level.WARNING,
                "how sandbox {0} ended is not on disk yet: {1}",
                sandbox.id(),
                failure.getMessage());
    }

    /** A process that has started then; its number may have become another's. */
    private Optional<PidFd> find(int pid, long startTicks) {
        PidFd pidfd;
        try {
            pidfd = syscalls.pidfdOpen(pid);
        } catch (SyscallException e) {
            if (e.errno() == Errno.ESRCH) {
                return Optional.empty();
            }
            throw e;
        }
        boolean same = false;
        try {
            same =
                    ProcStat.read(proc, pid)
                            .filter(stat -> stat.startTicks() == startTicks)
                            .isPresent();
        } finally {
            if (!same) {
                pidfd.close();
            }
        }
        return same ? Optional.of(pidfd) : Optional.empty();
    }

    private void awaitEnd(PidFd process) {
        long end = System.nanoTime() + DEATH.toNanos();
        while (!syscalls.hasEnded(process) && System.nanoTime() < end) {
            pause();
        }
    }

    private static void pause() {
        LockSupport.parkNanos(5_000_000);
    }

    // ---------------------------------------------------------------- the end

    /** The monitor has ended: reads how, and gives back what the life had. */
    private void finish(Sandbox sandbox, Life life) {
        Exit exit;
        try {
            exit = exitOf(sandbox, life);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "how sandbox " + sandbox.id() + " ended cannot be read", e);
            exit = Exit.monitorLost();
        }
        try {
            if (!sandbox.isRemoved()) {
                keepEnd(sandbox, StoredEnd.of(life.startedAt(), exit));
            }
        } catch (SyscallException e) {
            notKept(sandbox, e);
        }
        try {
            launches.cgroup(sandbox.id()).remove();
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

    private Exit exitOf(Sandbox sandbox, Life life) {
        Evidence evidence = launches.cgroup(sandbox.id()).evidence();
        Exit.Reason asked =
                sandbox.ending() == null ? files.readEnding(sandbox.id()) : sandbox.ending();
        Optional<Report.Exited> record =
                files.readExit(sandbox.id())
                        .filter(exit -> exit.launched().startedAt().equals(life.startedAt()));
        if (record.isPresent()) {
            return Exit.of(record.get(), asked, evidence);
        }
        // Without its monitor init is killed; whatever ended it before shows in its pidfd.
        OptionalInt status = life.init() == null ? OptionalInt.empty() : lastStatus(life.init());
        if (status.isPresent() && tellsOfCommand(status.getAsInt(), sandbox.spec().init())) {
            int told = status.getAsInt();
            return Exit.ofStatus(
                    told, Exit.ofAsked(told, asked, evidence), Instant.now(), evidence);
        }
        // A full disk has no room for a record.
        return asked == null
                ? Exit.monitorLost()
                : Exit.ofStatus(Signal.KILL.number(), asked, Instant.now(), evidence);
    }

    /**
     * Whether the first process has ended as the command has. An init passes on what the command
     * exited with, but above 128 it is the command's own number or that of a signal.
     */
    private static boolean tellsOfCommand(int status, boolean init) {
        return Report.signal(status) == 0
                ? !init || Report.exitCode(status) <= 128
                : Report.signal(status) != Signal.KILL.number();
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

    /** Asks the command to end and, after the time, kills all. The sandbox must not be frozen. */
    void end(Sandbox sandbox, Life life, Duration wait, Signal signal) {
        send(life, signal);
        if (!ended(life.ended(), wait)) {
            killAll(sandbox.id());
            awaitDeath(sandbox, life);
        }
    }

    /**
     * Marks why the daemon ends a life: whoever reads the exit record later should know. A life
     * that has just ended by itself is not marked, for the mark would be the next one's.
     */
    void markEnding(Sandbox sandbox, Life life, Exit.Reason reason) {
        sandbox.ending(reason);
        try {
            files.markEnding(sandbox.id(), reason);
            if (!life.equals(sandbox.life()) || sandbox.isEndStored()) {
                files.unmarkEnding(sandbox.id(), reason);
            }
        } catch (SyscallException e) {
            LOG.log(
                    Level.WARNING,
                    "a daemon after this one will not know why sandbox {0} was ended: {1}",
                    sandbox.id(),
                    e.getMessage());
        }
    }

    /** Sends a signal to init, which passes it on. */
    void send(Life life, Signal signal) {
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
            // The descriptor is closed: the life has ended meanwhile.
        }
    }

    /** Whether it is over; where its first process has ended, it is waited for. */
    boolean isOver(Life life) {
        boolean ending;
        try {
            ending = life.init() != null && syscalls.hasEnded(life.init());
        } catch (IllegalStateException e) {
            ending = true; // the descriptor is closed
        }
        return ended(life.ended(), ending ? DEATH : Duration.ZERO);
    }

    /** Kills every process and waits until they are dead; nothing where it does not run. */
    void kill(Sandbox sandbox) {
        Life life = sandbox.life();
        if (life != null) {
            killAll(sandbox.id());
            awaitDeath(sandbox, life);
        }
    }

    /** Kills every process; returns before they are dead. */
    void killAll(SandboxId id) {
        try {
            cgroup(id).kill();
        } catch (SyscallException e) {
            if (!Cgroup.isGone(e)) {
                throw e;
            }
        }
    }

    Cgroup cgroup(SandboxId id) {
        return launches.cgroup(id);
    }

    /** Whether it has ended within the time. */
    static boolean ended(Future<?> end, Duration wait) {
        try {
            end.get(wait.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw stopping();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * @throws Problem 503 when its processes were killed and have not died yet
     */
    private static void awaitDeath(Sandbox sandbox, Life life) {
        if (!ended(life.ended(), DEATH)) {
            throw new Problem(
                    ProblemType.BUSY,
                    "The processes of sandbox "
                            + sandbox.id()
                            + " were killed but have not died yet; try again.");
        }
    }
}

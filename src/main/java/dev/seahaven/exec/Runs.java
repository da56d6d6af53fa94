package dev.seahaven.exec;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.claim.Claims;
import dev.seahaven.launcher.Capture;
import dev.seahaven.launcher.LaunchKind;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.launcher.LauncherException;
import dev.seahaven.launcher.MonitorLostException;
import dev.seahaven.launcher.Report;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.sandbox.guard.Guarded;
import dev.seahaven.sandbox.launch.SandboxLauncher;
import dev.seahaven.sandbox.life.Exit;
import dev.seahaven.sandbox.life.SandboxCommands;
import dev.seahaven.sandbox.life.SandboxMetrics;
import dev.seahaven.sandbox.life.SandboxRegistry;
import dev.seahaven.sandbox.life.Sandboxes;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.Signal;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** Sandboxes for one call: nothing of them is on disk, and they end with the daemon. */
public final class Runs {

    /** Where the time of a run went. */
    public record Timing(double setupMillis, double runMillis, double totalMillis) {}

    /**
     * @param cpuMillis of all its processes
     * @param peakMemoryBytes of all together, with page cache and files in memory; where no cgroup
     *     counts it, the resident memory of the largest process
     */
    public record Usage(double cpuMillis, long peakMemoryBytes) {}

    /** What came of a run. */
    public record Result(
            SandboxId id,
            Exit exit,
            byte[] stdout,
            byte[] stderr,
            boolean truncated,
            Timing timing,
            Usage usage) {}

    private final Launcher launcher;
    private final SandboxLauncher launches;
    private final SandboxCommands commands;
    private final SandboxRegistry registry;
    private final SandboxMetrics metrics;
    private final Map<String, Run> underWay = new ConcurrentHashMap<>();
    private volatile boolean stopping;

    public Runs(Launcher launcher, Sandboxes sandboxes) {
        this.launcher = launcher;
        this.launches = sandboxes.launches();
        this.commands = sandboxes.commands();
        this.registry = sandboxes.registry();
        this.metrics = sandboxes.metrics();
        sandboxes.guards().watch(this::guarded);
    }

    private Collection<Guarded> guarded() {
        return List.copyOf(underWay.values());
    }

    /** One that is under way. */
    public static final class Run implements Guarded {

        private final SandboxId id;
        private final SandboxSpec spec;
        private final Instant startedAt;
        private final Ending ending = new Ending();

        private Run(SandboxId id, SandboxSpec spec, Instant startedAt) {
            this.id = id;
            this.spec = spec;
            this.startedAt = startedAt;
        }

        public SandboxId id() {
            return id;
        }

        public SandboxSpec spec() {
            return spec;
        }

        public Instant startedAt() {
            return startedAt;
        }

        @Override
        public String name() {
            return "run " + id;
        }

        @Override
        public List<Integer> processes() {
            return ending.processes();
        }

        /** It has none on a disk. */
        @Override
        public @Nullable Path layers() {
            return null;
        }

        @Override
        public long openFilesOfProcess() {
            return spec.limits().openFiles();
        }

        @Override
        public void end(Excess why) {
            ending.end(Exit.Reason.of(why));
        }
    }

    /** Those that are under way, in no order. */
    public Collection<Run> underWay() {
        return underWay.values();
    }

    /**
     * Ends a run; the answer of its call tells that it was stopped.
     *
     * @throws Problem 404 when none is under way with this id or name
     */
    public void end(String reference) {
        Run found = underWay.get(reference);
        if (found == null) {
            found =
                    underWay.values().stream()
                            .filter(run -> reference.equals(run.spec.name()))
                            .findFirst()
                            .orElseThrow(() -> Problem.notFound("run", reference));
        }
        found.ending.end();
    }

    /** Ends all, and begins none any more: the daemon stops, and every caller is answered. */
    public void stop() {
        stopping = true;
        underWay.values().forEach(run -> run.ending.end());
    }

    /**
     * Makes a sandbox, runs it to its end, collects and destroys it.
     *
     * @param caller is given what ends the run, for when nobody waits for it any more
     */
    public Result run(SandboxSpec asked, @Nullable String stdin, Consumer<Runnable> caller) {
        commands.checkReferences(asked);
        Instant begun = Instant.now();
        long clock = System.nanoTime();
        Claims claims = new Claims();
        try {
            SandboxId id = registry.newId();
            registry.claimName(asked.name(), id);
            claims.add(() -> registry.releaseName(asked.name()));
            Run run = new Run(id, asked, begun);
            underWay.put(id.value(), run);
            claims.add(() -> underWay.remove(id.value()));
            claims.add(run.ending::isOver);
            caller.accept(run.ending::end);
            if (stopping) {
                throw new Problem(ProblemType.BUSY, "The daemon stops.");
            }
            SandboxSpec spec = launches.claimIds(asked, claims);
            long claimed = System.nanoTime();
            Collected collected = launch(run, spec, stdin, claims);
            claims.close();
            Duration whole = Duration.ofNanos(System.nanoTime() - clock);
            if (collected.ended != null) {
                metrics.launched(
                        collected.ended.launched(), Duration.ofNanos(claimed - clock), whole);
            }
            metrics.ended(collected.exit);
            return result(id, collected, begun, whole);
        } catch (RuntimeException e) {
            throw claims.undo(e);
        }
    }

    private record Collected(
            Exit exit,
            Report.@Nullable Exited ended,
            @Nullable Long peakMemoryBytes,
            @Nullable Double cpuMillis,
            Capture output) {}

    private Collected launch(Run run, SandboxSpec spec, @Nullable String stdin, Claims claims) {
        try (Claims descriptors = new Claims()) {
            Fd input =
                    stdin == null
                            ? null
                            : descriptors.opened(launcher.input(KernelText.encode(stdin)));
            SandboxLauncher.Files files = new SandboxLauncher.Files(input, null, null, null, null);
            return MonitorLostException.tryAgainUntouched(
                    () -> launch(run, spec, files, claims, new Capture()));
        }
    }

    private Collected launch(
            Run run,
            SandboxSpec spec,
            SandboxLauncher.Files files,
            Claims claims,
            Capture collector) {
        SandboxLauncher.Sent sent =
                launches.send(run.id, spec, files, LaunchKind.RUN, claims, collector);
        claims.add(sent.launch()::close);
        try {
            return collected(run, sent.cgroup(), await(run, collector, sent.cgroup()), collector);
        } catch (MonitorLostException e) {
            if (e.isUntouched()) {
                throw e;
            }
            return new Collected(Exit.monitorLost(), null, null, null, collector);
        } catch (LauncherException e) {
            if (e.isLost() && run.ending.wasEnded()) { // before it was executed
                return new Collected(Exit.stopped(), null, null, null, collector);
            }
            metrics.failed(e.stage().text());
            OptionalInt exitCode = e.shellExitCode();
            if (exitCode.isEmpty()) {
                throw launches.explain(spec, sent, e);
            }
            return new Collected(
                    Exit.notExecuted(exitCode.getAsInt()), null, null, null, collector);
        }
    }

    private static Collected collected(
            Run run, Cgroup cgroup, Report.Exited ended, Capture output) {
        Evidence evidence = cgroup.evidence();
        Long peak = cgroup.peakMemoryBytes();
        // What nobody waited for is missing in the usage that the kernel tells init's parent.
        Double cpu = cgroup.cpuMillis();
        boolean killed = Report.signal(ended.status()) == Signal.KILL.number();
        Exit.Reason asked = killed ? run.ending.why() : null;
        return new Collected(Exit.of(ended, asked, evidence), ended, peak, cpu, output);
    }

    private static Report.Exited await(Run run, Capture capture, Cgroup cgroup) {
        run.ending.isIn(cgroup);
        try {
            return capture.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        } finally {
            run.ending.hasLeft();
        }
    }

    private static Result result(SandboxId id, Collected collected, Instant begun, Duration whole) {
        Report.Exited ended = collected.ended;
        double total = millis(whole);
        if (ended == null) {
            return new Result(
                    id,
                    collected.exit,
                    collected.output.bytes(1),
                    collected.output.bytes(2),
                    false,
                    new Timing(total, 0, total),
                    new Usage(0, 0));
        }
        return new Result(
                id,
                collected.exit,
                collected.output.bytes(1),
                collected.output.bytes(2),
                ended.stdoutTruncated() || ended.stderrTruncated(),
                new Timing(
                        millis(Duration.between(begun, ended.launched().startedAt())),
                        millis(ended.run()),
                        total),
                new Usage(
                        collected.cpuMillis == null ? millis(ended.cpu()) : collected.cpuMillis,
                        collected.peakMemoryBytes == null
                                ? ended.peakMemoryBytes()
                                : collected.peakMemoryBytes));
    }

    private static double millis(Duration duration) {
        return Math.round(duration.toNanos() / 1e3) / 1e3;
    }
}

package dev.seahaven.sandbox;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.launcher.Capture;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.launcher.LauncherException;
import dev.seahaven.launcher.Report;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.Signal;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.web.Problem;
import dev.seahaven.web.ProblemType;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Sandboxes for one call: nothing of them is on disk, and they end with the daemon. */
final class Runs {

    /** Where the time of a run went. */
    record Timing(double setupMillis, double runMillis, double totalMillis) {}

    /**
     * @param cpuMillis of all its processes
     * @param peakMemoryBytes of all together, with page cache and files in memory; where no cgroup
     *     counts it, the resident memory of the largest process
     */
    record Usage(double cpuMillis, long peakMemoryBytes) {}

    record Result(
            Exit exit,
            String stdout,
            String stderr,
            boolean truncated,
            Timing timing,
            Usage usage) {}

    private final Launcher launcher;
    private final SandboxLauncher launches;
    private final SandboxRegistry registry;
    private final SandboxMetrics metrics;
    private final Set<Cgroup> running = ConcurrentHashMap.newKeySet();
    private volatile boolean stopping;

    Runs(
            Launcher launcher,
            SandboxLauncher launches,
            SandboxRegistry registry,
            SandboxMetrics metrics) {
        this.launcher = launcher;
        this.launches = launches;
        this.registry = registry;
        this.metrics = metrics;
    }

    /**
     * Ends those that run, and begins none any more: the daemon stops, and who waits is answered.
     */
    void end() {
        stopping = true;
        running.forEach(Runs::kill);
    }

    private static void kill(Cgroup cgroup) {
        try {
            cgroup.kill();
        } catch (SyscallException e) {
            // It has just ended.
        }
    }

    Result run(SandboxSpec asked, @Nullable String stdin) {
        if (stopping) {
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        }
        Instant begun = Instant.now();
        long clock = System.nanoTime();
        Claims claims = new Claims();
        try {
            SandboxId id = registry.newId();
            registry.claimName(asked.name(), id);
            claims.add(() -> registry.releaseName(asked.name()));
            SandboxSpec spec = launches.claimIds(asked, claims);
            Capture collector = new Capture();
            long claimed = System.nanoTime();
            Collected collected = launch(id, spec, stdin, claims, collector);
            claims.close();
            Duration whole = Duration.ofNanos(System.nanoTime() - clock);
            if (collected.ended != null) {
                metrics.launched(
                        collected.ended.launched(), Duration.ofNanos(claimed - clock), whole);
            }
            metrics.ended(collected.exit);
            return result(collected, collector, begun, whole);
        } catch (RuntimeException e) {
            throw claims.undo(e);
        }
    }

    private record Collected(
            Exit exit,
            Report.@Nullable Exited ended,
            @Nullable Long peakMemoryBytes,
            @Nullable Double cpuMillis) {}

    private Collected launch(
            SandboxId id,
            SandboxSpec spec,
            @Nullable String stdin,
            Claims claims,
            Capture collector) {
        try (Claims descriptors = new Claims()) {
            Fd input =
                    stdin == null
                            ? null
                            : descriptors.opened(
                                    launcher.input(stdin.getBytes(StandardCharsets.UTF_8)));
            SandboxLauncher.Files files = new SandboxLauncher.Files(input, null, null, null, null);
            SandboxLauncher.Sent sent = launches.send(id, spec, files, true, claims, collector);
            claims.add(sent.launch()::close);
            Report.Exited ended = await(collector, sent.cgroup());
            Evidence evidence = sent.cgroup().evidence();
            Long peak = sent.cgroup().peakMemoryBytes();
            // What nobody waited for is missing in the usage that the kernel tells init's parent.
            boolean whole =
                    ended.reason() == Report.Reason.BY_ITSELF && Report.signal(ended.status()) == 0;
            Double cpu = whole ? null : sent.cgroup().cpuMillis();
            boolean killed = Report.signal(ended.status()) == Signal.KILL.number();
            Exit.Reason asked = stopping && killed ? Exit.Reason.STOPPED : null;
            return new Collected(Exit.of(ended, asked, evidence), ended, peak, cpu);
        } catch (LauncherException e) {
            metrics.failed(e.stage().name().toLowerCase(Locale.ROOT));
            Exit exit = SandboxLauncher.notExecuted(e);
            if (exit == null) {
                throw launches.explain(spec, e);
            }
            return new Collected(exit, null, null, null);
        }
    }

    private Report.Exited await(Capture capture, Cgroup cgroup) {
        running.add(cgroup);
        try {
            if (stopping) {
                kill(cgroup);
            }
            return capture.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        } finally {
            running.remove(cgroup);
        }
    }

    private static Result result(
            Collected collected, Capture collector, Instant begun, Duration whole) {
        Report.Exited ended = collected.ended;
        double total = millis(whole);
        if (ended == null) {
            return new Result(
                    collected.exit, "", "", false, new Timing(total, 0, total), new Usage(0, 0));
        }
        return new Result(
                collected.exit,
                collector.text(1),
                collector.text(2),
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

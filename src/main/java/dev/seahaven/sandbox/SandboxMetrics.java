package dev.seahaven.sandbox;

import dev.seahaven.launcher.Report;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** Where the time of launches goes: a histogram for each phase, and counts of what came of them. */
final class SandboxMetrics {

    private final Map<Report.Phase, Timer> phases = new EnumMap<>(Report.Phase.class);
    private final Timer claim;
    private final Timer total;
    private final MeterRegistry registry;

    SandboxMetrics(MeterRegistry registry) {
        this.registry = registry;
        for (Report.Phase phase : Report.Phase.values()) {
            phases.put(phase, phase(phase.name().toLowerCase(Locale.ROOT)));
        }
        this.claim = phase("claim");
        this.total = phase("total");
    }

    private Timer phase(String name) {
        return Timer.builder("seahaven.sandbox.launch.phase")
                .description("Time that launches spend in each phase")
                .tag("phase", name)
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofNanos(50_000))
                .maximumExpectedValue(Duration.ofSeconds(5))
                .register(registry);
    }

    void launched(Report.Launched report, Duration claiming, Duration whole) {
        for (Report.Phase phase : Report.Phase.values()) {
            Objects.requireNonNull(phases.get(phase)).record(report.phases().get(phase.ordinal()));
        }
        claim.record(claiming);
        total.record(whole);
    }

    void failed(String stage) {
        registry.counter("seahaven.sandbox.launch.failures", "stage", stage).increment();
    }

    void ended(Exit exit) {
        registry.counter(
                        "seahaven.sandbox.exits",
                        "reason",
                        exit.reason().name().toLowerCase(Locale.ROOT).replace('_', '-'))
                .increment();
    }
}

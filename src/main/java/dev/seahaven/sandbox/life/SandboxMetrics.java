package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.Usage;
import dev.seahaven.launcher.Report;
import dev.seahaven.sandbox.spec.SandboxId;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** Where the time of launches goes: a histogram for each phase, and counts of what came of them. */
public final class SandboxMetrics {

    private final Map<Report.Phase, Timer> phases = new EnumMap<>(Report.Phase.class);
    private final Timer claim;
    private final Timer total;
    private final MeterRegistry registry;

    /** The registry holds weakly what it watches. */
    private final Map<String, Supplier<Usage>> watched = new ConcurrentHashMap<>();

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

    /**
     * What all sandboxes use together, as their common group tells it; nothing has an id as a label
     * unless it was asked for.
     */
    void watch(Supplier<Usage> usage) {
        watched.put("", usage);
        gauge("seahaven.sandboxes.memory", "bytes", usage, SandboxMetrics::memory);
        gauge("seahaven.sandboxes.pids", null, usage, SandboxMetrics::pids);
        FunctionCounter.builder("seahaven.sandboxes.cpu", usage, all -> cpuMillis(all.get()) / 1e3)
                .baseUnit("seconds")
                .register(registry);
    }

    /** A number that is asked for when metrics are read. */
    void gauge(String name, Supplier<Number> value) {
        Gauge.builder(name, value).strongReference(true).register(registry);
    }

    private void gauge(
            String name,
            @Nullable String unit,
            Supplier<Usage> usage,
            ToDoubleFunction<Usage> value) {
        Gauge.builder(name, usage, all -> value.applyAsDouble(all.get()))
                .baseUnit(unit)
                .register(registry);
    }

    private static double memory(Usage usage) {
        return usage.memory() == null ? Double.NaN : usage.memory().usageBytes();
    }

    private static double pids(Usage usage) {
        return usage.pids() == null ? Double.NaN : usage.pids().current();
    }

    private static double cpuMillis(Usage usage) {
        return usage.cpu() == null ? Double.NaN : usage.cpu().usageMillis();
    }

    /** One sandbox by its id, until it is forgotten. */
    void watch(SandboxId id, Supplier<Usage> usage) {
        watched.put(id.value(), usage);
        Tags tags = Tags.of("sandbox", id.value());
        Gauge.builder("seahaven.sandbox.memory", usage, one -> memory(one.get()))
                .baseUnit("bytes")
                .tags(tags)
                .register(registry);
        Gauge.builder("seahaven.sandbox.pids", usage, one -> pids(one.get()))
                .tags(tags)
                .register(registry);
        FunctionCounter.builder("seahaven.sandbox.cpu", usage, one -> cpuMillis(one.get()) / 1e3)
                .baseUnit("seconds")
                .tags(tags)
                .register(registry);
    }

    void forget(SandboxId id) {
        watched.remove(id.value());
        for (Meter meter : registry.getMeters()) {
            if (id.value().equals(meter.getId().getTag("sandbox"))) {
                registry.remove(meter);
            }
        }
    }

    public void launched(Report.Launched report, Duration claiming, Duration whole) {
        for (Report.Phase phase : Report.Phase.values()) {
            Objects.requireNonNull(phases.get(phase)).record(report.phases().get(phase.ordinal()));
        }
        claim.record(claiming);
        total.record(whole);
    }

    public void failed(String stage) {
        registry.counter("seahaven.sandbox.launch.failures", "stage", stage).increment();
    }

    public void ended(Exit exit) {
        registry.counter(
                        "seahaven.sandbox.exits",
                        "reason",
                        exit.reason().name().toLowerCase(Locale.ROOT).replace('_', '-'))
                .increment();
    }
}

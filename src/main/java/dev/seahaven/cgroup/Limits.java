package dev.seahaven.cgroup;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What the processes of a group may use together: a value for each {@link Limit} that is set. To
 * add a limit, add a constant here and its words to {@link Dialect}.
 */
public final class Limits {

    /**
     * How a limit is set; limits that are set together have one.
     *
     * @see Dialect
     */
    @FunctionalInterface
    public interface Setting {
        void set(Dialect dialect, Path group, Limits before, Limits after);
    }

    /**
     * One limit.
     *
     * @param name as requests have it
     * @param controller that sets it
     */
    public record Limit<T>(
            String name, Controller controller, Class<? super T> type, Setting setting) {
        @Override
        public boolean equals(@Nullable Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return name.hashCode();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private static final Setting MEMORY =
            (dialect, group, before, after) ->
                    dialect.setMemory(group, memory(before), memory(after));

    public static final Limit<Long> MEMORY_BYTES =
            new Limit<>("memoryBytes", Controller.MEMORY, Long.class, MEMORY);

    /** Beside the memory. */
    public static final Limit<Long> SWAP_BYTES =
            new Limit<>("swapBytes", Controller.MEMORY, Long.class, MEMORY);

    /** Processors' worth of time, such as 0.5. */
    public static final Limit<Double> CPUS =
            new Limit<>(
                    "cpus",
                    Controller.CPU,
                    Double.class,
                    (dialect, group, before, after) ->
                            dialect.setCpu(group, after.get(Limits.CPUS)));

    /** Such as {@code 0-1,3}. */
    public static final Limit<String> CPUSET =
            new Limit<>(
                    "cpuset",
                    Controller.CPUSET,
                    String.class,
                    (dialect, group, before, after) ->
                            dialect.setCpuset(group, after.get(Limits.CPUSET)));

    public static final Limit<Integer> PIDS =
            new Limit<>(
                    "pids",
                    Controller.PIDS,
                    Integer.class,
                    (dialect, group, before, after) ->
                            dialect.setPids(group, after.get(Limits.PIDS)));

    /** 1 to 10,000; 100 is the usual. */
    public static final Limit<Integer> IO_WEIGHT =
            new Limit<>(
                    "ioWeight",
                    Controller.IO,
                    Integer.class,
                    (dialect, group, before, after) ->
                            dialect.setIoWeight(
                                    group,
                                    Objects.requireNonNullElse(
                                            after.get(Limits.IO_WEIGHT), Dialect.IO_WEIGHT_USUAL)));

    /** Rates of block devices. */
    public static final Limit<List<IoRate>> IO =
            new Limit<>("io", Controller.IO, List.class, Limits::setIoRates);

    /** By page size, such as {@code 2MB}. */
    public static final Limit<Map<String, Long>> HUGEPAGE_BYTES =
            new Limit<>("hugepageBytes", Controller.HUGETLB, Map.class, Limits::setHugepages);

    /**
     * Devices beside the usual ones. They are set when a group is made, and not changed: a filter
     * cannot be widened.
     */
    public static final Limit<DeviceRules> DEVICES =
            new Limit<>(
                    "devices",
                    Controller.DEVICES,
                    DeviceRules.class,
                    (dialect, group, before, after) -> {});

    /** All that a request can give. */
    public static final List<Limit<?>> ALL =
            List.of(MEMORY_BYTES, SWAP_BYTES, CPUS, CPUSET, PIDS, IO_WEIGHT, IO, HUGEPAGE_BYTES);

    /** Without any. */
    public static final Limits NONE = new Limits(Map.of());

    private final Map<Limit<?>, Object> values;

    private Limits(Map<Limit<?>, Object> values) {
        this.values = values;
    }

    private static Dialect.Memory memory(Limits limits) {
        return new Dialect.Memory(limits.get(MEMORY_BYTES), limits.get(SWAP_BYTES));
    }

    private static void setIoRates(Dialect dialect, Path group, Limits before, Limits after) {
        List<IoRate> had = Objects.requireNonNullElse(before.get(IO), List.of());
        List<IoRate> wanted = Objects.requireNonNullElse(after.get(IO), List.of());
        for (IoRate rate : had) {
            if (wanted.stream().noneMatch(other -> other.device().equals(rate.device()))) {
                dialect.setIoRate(group, IoRate.none(rate.device()));
            }
        }
        wanted.stream()
                .filter(rate -> !had.contains(rate))
                .forEach(rate -> dialect.setIoRate(group, rate));
    }

    private static void setHugepages(Dialect dialect, Path group, Limits before, Limits after) {
        Map<String, Long> had = Objects.requireNonNullElse(before.get(HUGEPAGE_BYTES), Map.of());
        Map<String, Long> wanted = Objects.requireNonNullElse(after.get(HUGEPAGE_BYTES), Map.of());
        Set<String> sizes = new LinkedHashSet<>(had.keySet());
        sizes.addAll(wanted.keySet());
        for (String size : sizes) {
            if (!Objects.equals(had.get(size), wanted.get(size))) {
                dialect.setHugepages(group, size, wanted.get(size));
            }
        }
    }

    /** The value of a limit; null where it is not limited. */
    @SuppressWarnings("unchecked") // with() puts no other type there
    public <T> @Nullable T get(Limit<T> limit) {
        return (T) values.get(limit);
    }

    /** The same with another value of one limit; null, or an empty list or map, takes it away. */
    public <T> Limits with(Limit<T> limit, @Nullable T value) {
        Map<Limit<?>, Object> changed = new LinkedHashMap<>(values);
        if (value == null || value.equals(List.of()) || value.equals(Map.of())) {
            changed.remove(limit);
        } else {
            changed.put(limit, value);
        }
        return new Limits(changed);
    }

    /** Controllers that these limits need; memory, pids and accounting are there always. */
    public Set<Controller> needs() {
        Set<Controller> needs = EnumSet.noneOf(Controller.class);
        values.keySet().forEach(limit -> needs.add(limit.controller()));
        return needs;
    }

    /** The limits that differ from others, one for each setting. */
    public List<Limit<?>> changedFrom(Limits before) {
        Map<Setting, Limit<?>> changed = new LinkedHashMap<>();
        for (Limit<?> limit : ALL) {
            if (!Objects.equals(before.values.get(limit), values.get(limit))) {
                changed.putIfAbsent(limit.setting(), limit);
            }
        }
        return List.copyOf(changed.values());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Limits limits && values.equals(limits.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }
}

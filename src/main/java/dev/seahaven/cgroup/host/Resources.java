package dev.seahaven.cgroup.host;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Controller;
import dev.seahaven.cgroup.DeviceRules;
import dev.seahaven.cgroup.GroupFiles;
import dev.seahaven.cgroup.Limits;
import dev.seahaven.cgroup.Usage;
import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.syscall.Fd;

import org.jspecify.annotations.Nullable;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The limits of one sandbox, and what it uses: the files of its groups, each on the hierarchy that
 * has the controller.
 */
final class Resources {

    private static final String PIDS_FILE = "pids.events";

    private final GroupFiles files;
    private final Hierarchies hierarchies;
    private final String id;
    private final Path base;

    /** Its groups on other hierarchies than the base; null until they are known. */
    private volatile @Nullable Set<Path> apart;

    /** What tells how a run ended, opened ahead: a path of these takes longer than the reading. */
    private final Map<String, Fd> counters = new ConcurrentHashMap<>();

    /**
     * @param base its group on the hierarchy that freezes and kills
     */
    Resources(GroupFiles files, Hierarchies hierarchies, String id, Path base) {
        this.files = files;
        this.hierarchies = hierarchies;
        this.id = id;
        this.base = base;
    }

    /** The hierarchy of a controller, where this sandbox has a group on it. */
    private Optional<Hierarchy> of(Controller controller) {
        return hierarchies
                .of(controller)
                .filter(has -> has.base() || groupsApart().contains(has.group(id)));
    }

    // ---------------------------------------------------------------- making and removing

    /**
     * Makes what the limits need, and sets them; the group on the base hierarchy is there already.
     *
     * @param accounted whether the time of its processes is to be told while they run
     */
    void create(Limits limits, boolean accounted) {
        Set<Controller> needed = limits.needs();
        needed.forEach(hierarchies::require);
        Hierarchies.ALWAYS.stream().filter(hierarchies::has).forEach(needed::add);
        if (accounted && !hierarchies.accountsByItself() && hierarchies.has(Controller.CPUACCT)) {
            needed.add(Controller.CPUACCT);
        }
        needed.forEach(this::make);
        apart =
                needed.stream()
                        .map(hierarchies::require)
                        .filter(has -> !has.base())
                        .map(has -> has.group(id))
                        .collect(Collectors.toSet());
        boolean ownDevices =
                hierarchies.has(Controller.DEVICES) && hierarchies.sharedDevices().isEmpty();
        if (limits.get(Limits.DEVICES) != null || ownDevices) {
            Hierarchy devices = hierarchies.require(Controller.DEVICES);
            devices.dialect()
                    .allowDevices(
                            devices.group(id),
                            Objects.requireNonNullElse(
                                    limits.get(Limits.DEVICES), DeviceRules.USUAL));
        }
        write(Limits.NONE, limits);
    }

    /** Makes its group for a controller; returns whether it was not there. */
    private boolean make(Controller controller) {
        Hierarchy hierarchy = hierarchies.require(controller);
        if (hierarchy.base() || !files.mkdir(hierarchy.group(id))) {
            return false;
        }
        if (controller == Controller.CPUSET) {
            hierarchy.dialect().setCpuset(hierarchy.group(id), null);
        }
        return true;
    }

    /** Its groups on other hierarchies than the base; several controllers may share one. */
    Set<Path> groupsApart() {
        Set<Path> known = apart;
        if (known == null) {
            known =
                    Arrays.stream(Controller.values())
                            .flatMap(each -> hierarchies.of(each).stream())
                            .filter(has -> !has.base())
                            .map(has -> has.group(id))
                            .filter(Files::isDirectory)
                            .collect(Collectors.toSet());
            apart = known;
        }
        return known;
    }

    /** The groups that a process has to enter beside the base one. */
    Set<Path> groupsToEnter() {
        Set<Path> groups = new HashSet<>(groupsApart());
        if (of(Controller.DEVICES).isEmpty()) {
            hierarchies.sharedDevices().ifPresent(groups::add);
        }
        return groups;
    }

    /** Where it has no group of its own on a v1 hierarchy, one that nothing limits. */
    List<Cgroup.Shown> shown() {
        List<Hierarchy> v1 = hierarchies.shownOfV1();
        if (v1.isEmpty()) {
            return hierarchies.accountsByItself() ? List.of(new Cgroup.Shown(base, "")) : List.of();
        }
        Set<Path> own = groupsApart();
        return v1.stream()
                .map(
                        has -> {
                            Path group = has.group(id);
                            boolean hasOwn = has.base() || own.contains(group);
                            return new Cgroup.Shown(hasOwn ? group : has.unlimited(), has.name());
                        })
                .toList();
    }

    // ---------------------------------------------------------------- limits

    /**
     * Changes limits, but for the devices, while processes are there.
     *
     * @param processes of the sandbox, to be moved where a limit needs a group that it had not
     */
    void change(Limits before, Limits after, Supplier<List<Integer>> processes) {
        Set<Controller> needed = after.needs();
        needed.forEach(hierarchies::require);
        apart = null;
        for (Controller each : needed) {
            if (make(each)) {
                moveAll(hierarchies.require(each).group(id), processes);
            }
        }
        write(before, after);
    }

    /** Forks go on meanwhile: until a round moves nobody new. */
    private void moveAll(Path group, Supplier<List<Integer>> processes) {
        Set<Integer> moved = new HashSet<>();
        boolean more = true;
        for (int round = 0; more && round < 100; round++) {
            more = false;
            for (int pid : processes.get()) {
                if (moved.add(pid)) {
                    more = true;
                    files.move(group, pid);
                }
            }
        }
    }

    /** Sets what is not the same, each in the words of the hierarchy that has its controller. */
    private void write(Limits before, Limits after) {
        for (Limits.Limit<?> limit : after.changedFrom(before)) {
            Hierarchy has = hierarchies.require(limit.controller());
            limit.setting().set(has.dialect(), has.group(id), before, after);
        }
    }

    // ---------------------------------------------------------------- what was used

    Evidence evidence() {
        return new Evidence(oomKills(), pidsRefused());
    }

    private long oomKills() {
        return of(Controller.MEMORY)
                .map(has -> counter(has, has.dialect().oomFile()))
                .map(text -> value(text, "oom_kill"))
                .orElse(0L);
    }

    private long pidsRefused() {
        return of(Controller.PIDS)
                .map(has -> counter(has, PIDS_FILE))
                .map(text -> value(text, "max"))
                .orElse(0L);
    }

    private static long value(String text, String name) {
        return GroupFiles.keyed(text).getOrDefault(name, 0L);
    }

    void openCounters() {
        of(Controller.MEMORY)
                .ifPresent(
                        has -> {
                            openCounter(has, has.dialect().oomFile());
                            openCounter(has, has.dialect().peakMemoryFile());
                        });
        of(Controller.PIDS).ifPresent(has -> openCounter(has, PIDS_FILE));
    }

    private void openCounter(Hierarchy hierarchy, String file) {
        Fd opened = files.openCounter(hierarchy.group(id), file);
        if (opened != null) {
            counters.put(file, opened);
        }
    }

    void closeCounters() {
        counters.values().forEach(Fd::close);
        counters.clear();
    }

    private String counter(Hierarchy hierarchy, String file) {
        Fd opened = counters.get(file);
        return opened != null
                ? files.readCounter(opened)
                : files.readIfThere(hierarchy.group(id), file);
    }

    @Nullable Long peakMemoryBytes() {
        long peak =
                of(Controller.MEMORY)
                        .map(has -> counter(has, has.dialect().peakMemoryFile()))
                        .map(text -> GroupFiles.number(text, -1))
                        .orElse(-1L);
        return peak < 0 ? null : peak;
    }

    Usage usage() {
        return new Usage(
                cpuUsage(),
                of(Controller.MEMORY)
                        .map(
                                has ->
                                        has.dialect()
                                                .memory(
                                                        has.group(id),
                                                        peakMemoryBytes(),
                                                        oomKills()))
                        .orElse(null),
                of(Controller.PIDS)
                        .map(
                                has ->
                                        new Usage.Pids(
                                                files.number(has.group(id), "pids.current", 0),
                                                pidsRefused()))
                        .orElse(null),
                of(Controller.IO).map(has -> has.dialect().io(has.group(id))).orElse(null),
                pressure());
    }

    /** Every group on cgroup2 counts its time, also where no controller is there. */
    private Usage.@Nullable Cpu cpuUsage() {
        Map<String, Long> stat = files.keyed(base, "cpu.stat");
        Long used = stat.get("usage_usec");
        if (used != null) {
            Long throttled = stat.get("throttled_usec");
            return new Usage.Cpu(
                    used / 1e3,
                    stat.getOrDefault("user_usec", 0L) / 1e3,
                    stat.getOrDefault("system_usec", 0L) / 1e3,
                    throttled == null ? throttledMillis() : Double.valueOf(throttled / 1e3));
        }
        return of(Controller.CPUACCT)
                .map(has -> has.group(id))
                .map(
                        counting ->
                                new Usage.Cpu(
                                        files.number(counting, "cpuacct.usage", 0) / 1e6,
                                        files.number(counting, "cpuacct.usage_user", 0) / 1e6,
                                        files.number(counting, "cpuacct.usage_sys", 0) / 1e6,
                                        throttledMillis()))
                .orElse(null);
    }

    private @Nullable Double throttledMillis() {
        Hierarchy cpu = of(Controller.CPU).orElse(null);
        return cpu == null ? null : cpu.dialect().throttledMillis(cpu.group(id));
    }

    /** What its processes have used; null where nobody counts. */
    @Nullable Double cpuMillis() {
        Usage.Cpu used = cpuUsage();
        return used == null ? null : Double.valueOf(used.usageMillis());
    }

    private Map<String, Usage.Pressure> pressure() {
        Map<String, Usage.Pressure> found = new LinkedHashMap<>();
        for (String kind : List.of("cpu", "memory", "io")) {
            String text = files.readIfThere(base, kind + ".pressure");
            if (!text.isEmpty()) {
                found.put(kind, new Usage.Pressure(stall(text, "some "), stall(text, "full ")));
            }
        }
        return found;
    }

    private static Usage.@Nullable Stall stall(String text, String kind) {
        Map<String, Double> values = new HashMap<>();
        text.lines()
                .filter(line -> line.startsWith(kind))
                .flatMap(line -> Arrays.stream(line.substring(kind.length()).split(" ")))
                .map(word -> word.split("="))
                .forEach(parts -> values.put(parts[0], Double.parseDouble(parts[1])));
        return values.isEmpty()
                ? null
                : new Usage.Stall(
                        values.getOrDefault("avg10", 0.0),
                        values.getOrDefault("avg60", 0.0),
                        values.getOrDefault("avg300", 0.0),
                        values.getOrDefault("total", 0.0) / 1e3);
    }
}

package dev.seahaven.cgroup;

import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The limits of one sandbox: the files of its groups, each on the hierarchy that has its controller
 * (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/).
 */
final class Resources {

    private static final long CPU_PERIOD_MICROS = 100_000;
    private static final Set<Controller> ALWAYS = EnumSet.of(Controller.MEMORY, Controller.PIDS);

    private final GroupFiles files;
    private final Hierarchies hierarchies;
    private final String id;
    private volatile boolean prepared;
    private volatile @Nullable List<Path> v1Directories;

    Resources(Syscalls syscalls, Hierarchies hierarchies, String id) {
        this.files = new GroupFiles(syscalls);
        this.hierarchies = hierarchies;
        this.id = id;
    }

    private Path directory(Controller controller) {
        return hierarchies.directory(controller).resolve(id);
    }

    private boolean isV1(Controller controller) {
        return hierarchies.isV1(controller);
    }

    private boolean has(Controller controller) {
        return hierarchies.has(controller)
                && ((prepared && ALWAYS.contains(controller))
                        || !isV1(controller)
                        || Files.isDirectory(directory(controller)));
    }

    // ---------------------------------------------------------------- making and removing

    /** Makes what every sandbox has; the group on cgroup2 is there already. */
    void prepare() {
        ALWAYS.stream().filter(hierarchies::has).forEach(this::make);
        if (hierarchies.has(Controller.DEVICES) && !isV1(Controller.DEVICES)) {
            hierarchies.allowDevices(
                    files, directory(Controller.DEVICES), new Limits.DeviceRules(false, List.of()));
        }
        prepared = true;
        v1Directories = findV1Directories();
    }

    /**
     * Sets limits for the first time.
     *
     * @param accounted whether the time of its processes is to be told while they run
     */
    void create(Limits limits, boolean accounted) {
        Set<Controller> needed = limits.needs();
        needed.forEach(hierarchies::require);
        boolean deviceFilter =
                limits.devices() != null
                        && hierarchies.has(Controller.DEVICES)
                        && !isV1(Controller.DEVICES);
        if (!prepared && !deviceFilter) {
            prepare();
        }
        for (Controller each : ALWAYS) {
            add(needed, each);
        }
        if (accounted && hierarchies.unified() == null) {
            add(needed, Controller.CPUACCT);
        }
        boolean made = false;
        for (Controller each : needed) {
            made |= !(prepared && ALWAYS.contains(each)) && make(each);
        }
        if (made) {
            v1Directories = findV1Directories();
        }
        write(limits, Set.of(), needed, true);
    }

    private void add(Set<Controller> to, Controller controller) {
        if (hierarchies.has(controller)) {
            to.add(controller);
        }
    }

    private boolean make(Controller controller) {
        if (!isV1(controller) || !files.mkdir(directory(controller))) {
            return false;
        }
        if (controller == Controller.CPUSET) {
            hierarchies.inheritCpuset(files, directory(controller));
        }
        return true;
    }

    /** The directories on v1 hierarchies that a process has to enter. */
    List<Path> v1Directories() {
        List<Path> known = v1Directories;
        return known != null ? known : findV1Directories();
    }

    private List<Path> findV1Directories() {
        List<Path> found = new ArrayList<>();
        for (Controller each : Controller.values()) {
            if (!hierarchies.has(each) || !isV1(each)) {
                continue;
            }
            Path own = directory(each);
            if (found.contains(own)) {
                continue; // cpu and cpuacct are often one
            }
            if (Files.isDirectory(own)) {
                found.add(own);
            } else if (each == Controller.DEVICES) {
                found.add(hierarchies.defaultDevices());
            }
        }
        return found;
    }

    /** Removes the groups on v1 hierarchies. */
    void remove(Consumer<Path> removal) {
        v1Directories().stream()
                .filter(each -> !each.equals(hierarchies.defaultDevices()))
                .forEach(removal);
    }

    // ---------------------------------------------------------------- limits

    /**
     * Changes limits while processes are there.
     *
     * @param processes of the sandbox, to be moved where a limit needs a group that it had not
     */
    void change(Limits before, Limits after, Supplier<List<Integer>> processes) {
        Set<Controller> needed = after.needs();
        needed.forEach(hierarchies::require);
        Set<Controller> touched = EnumSet.copyOf(needed);
        touched.addAll(before.needs());
        for (Controller each : needed) {
            if (make(each)) {
                moveAll(directory(each), processes);
            }
        }
        v1Directories = null;
        write(after, before.needs(), touched, false);
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

    private void write(
            Limits limits, Set<Controller> hadBefore, Set<Controller> touched, boolean fresh) {
        if (touched.contains(Controller.MEMORY)) {
            memory(limits, fresh);
        }
        if (touched.contains(Controller.PIDS) && !(fresh && limits.pids() == null)) {
            String most = limits.pids() == null ? "max" : limits.pids().toString();
            files.write(directory(Controller.PIDS), "pids.max", most);
        }
        if (touched.contains(Controller.CPU)) {
            cpu(limits.cpus());
        }
        if (limits.cpuset() != null) {
            files.write(directory(Controller.CPUSET), "cpuset.cpus", limits.cpuset());
        } else if (hadBefore.contains(Controller.CPUSET)) {
            hierarchies.inheritCpuset(files, directory(Controller.CPUSET));
        }
        if (limits.ioWeight() != null) {
            ioWeight(limits.ioWeight());
        }
        limits.io().forEach(this::io);
        limits.hugepageBytes()
                .forEach(
                        (size, bytes) ->
                                files.write(
                                        directory(Controller.HUGETLB),
                                        "hugetlb."
                                                + size
                                                + (isV1(Controller.HUGETLB)
                                                        ? ".limit_in_bytes"
                                                        : ".max"),
                                        bytes.toString()));
        if (limits.devices() != null) {
            hierarchies.allowDevices(files, directory(Controller.DEVICES), limits.devices());
        }
    }

    private void memory(Limits limits, boolean fresh) {
        Path group = directory(Controller.MEMORY);
        Long memory = limits.memoryBytes();
        Long swap = limits.swapBytes();
        if (!isV1(Controller.MEMORY)) {
            files.write(group, "memory.max", memory == null ? "max" : memory.toString());
            files.writeIfThere(group, "memory.swap.max", swap == null ? "max" : swap.toString());
            return;
        }
        String most = memory == null ? "-1" : memory.toString();
        String both = memory == null || swap == null ? "-1" : Long.toString(memory + swap);
        // memory may never be above memory and swap together
        boolean raises =
                !fresh
                        && (memory == null
                                || files.number(group, "memory.memsw.limit_in_bytes", -1) < memory);
        if (raises) {
            files.writeIfThere(group, "memory.memsw.limit_in_bytes", both);
        }
        files.write(group, "memory.limit_in_bytes", most);
        if (!raises) {
            files.writeIfThere(group, "memory.memsw.limit_in_bytes", both);
        }
    }

    private void cpu(@Nullable Double cpus) {
        Path group = directory(Controller.CPU);
        String quota =
                cpus == null
                        ? null
                        : Long.toString(Math.max(1000, Math.round(cpus * CPU_PERIOD_MICROS)));
        if (isV1(Controller.CPU)) {
            files.write(group, "cpu.cfs_period_us", Long.toString(CPU_PERIOD_MICROS));
            files.write(group, "cpu.cfs_quota_us", quota == null ? "-1" : quota);
        } else {
            files.write(
                    group, "cpu.max", (quota == null ? "max" : quota) + " " + CPU_PERIOD_MICROS);
        }
    }

    private void ioWeight(int weight) {
        Path group = directory(Controller.IO);
        Map<String, String> known = new LinkedHashMap<>();
        if (isV1(Controller.IO)) { // 1 to 1000 there
            String scaled = Long.toString(1 + Math.round((weight - 1) * 999 / 9999.0));
            known.put("blkio.bfq.weight", scaled);
            known.put("blkio.weight", Long.toString(Math.max(10, Long.parseLong(scaled))));
        } else {
            known.put("io.weight", "default " + weight);
            known.put("io.bfq.weight", Long.toString(1 + Math.round((weight - 1) * 999 / 9999.0)));
        }
        for (Map.Entry<String, String> each : known.entrySet()) {
            if (files.writeIfThere(group, each.getKey(), each.getValue())) {
                return;
            }
        }
        throw new MissingFeatureException(
                "io-weight", "No I/O scheduler of this kernel knows weights; leave ioWeight out.");
    }

    private void io(Limits.IoRate rate) {
        Path group = directory(Controller.IO);
        Map<String, Long> rates = new LinkedHashMap<>();
        boolean v1 = isV1(Controller.IO);
        rates.put(v1 ? "read_bps" : "rbps", rate.readBytesPerSecond());
        rates.put(v1 ? "write_bps" : "wbps", rate.writeBytesPerSecond());
        rates.put(v1 ? "read_iops" : "riops", rate.readOperationsPerSecond());
        rates.put(v1 ? "write_iops" : "wiops", rate.writeOperationsPerSecond());
        StringBuilder line = new StringBuilder(rate.device());
        rates.forEach(
                (name, value) -> {
                    if (v1 && value != null) {
                        files.write(
                                group,
                                "blkio.throttle." + name + "_device",
                                rate.device() + " " + value);
                    }
                    line.append(' ').append(name).append('=').append(value == null ? "max" : value);
                });
        if (!v1) {
            files.write(group, "io.max", line.toString());
        }
    }

    // ---------------------------------------------------------------- what was used

    Evidence evidence() {
        return new Evidence(oomKills(), pidsRefused());
    }

    private long oomKills() {
        if (!has(Controller.MEMORY)) {
            return 0;
        }
        return keyed(
                        Controller.MEMORY,
                        isV1(Controller.MEMORY) ? "memory.oom_control" : "memory.events")
                .getOrDefault("oom_kill", 0L);
    }

    private long pidsRefused() {
        return has(Controller.PIDS)
                ? keyed(Controller.PIDS, "pids.events").getOrDefault("max", 0L)
                : 0;
    }

    private Map<String, Long> keyed(Controller controller, String file) {
        return keyed(directory(controller), file);
    }

    private Map<String, Long> keyed(Path group, String file) {
        Map<String, Long> values = new HashMap<>();
        files.read(group, file)
                .lines()
                .map(line -> line.split(" "))
                .filter(words -> words.length == 2)
                .forEach(words -> values.put(words[0], Long.parseLong(words[1])));
        return values;
    }

    @Nullable Long peakMemoryBytes() {
        if (!has(Controller.MEMORY)) {
            return null;
        }
        long peak =
                files.number(
                        directory(Controller.MEMORY),
                        isV1(Controller.MEMORY) ? "memory.max_usage_in_bytes" : "memory.peak",
                        -1);
        return peak < 0 ? null : peak;
    }

    Usage usage(Path group) {
        return new Usage(
                cpuUsage(group),
                has(Controller.MEMORY) ? memoryUsage() : null,
                has(Controller.PIDS)
                        ? new Usage.Pids(
                                files.number(directory(Controller.PIDS), "pids.current", 0),
                                pidsRefused())
                        : null,
                has(Controller.IO) ? ioUsage() : null,
                pressure(group));
    }

    /** Every group on cgroup2 counts its time, also where no controller is there. */
    private Usage.@Nullable Cpu cpuUsage(Path group) {
        Map<String, Long> stat = keyed(group, "cpu.stat");
        Long used = stat.get("usage_usec");
        if (used != null) {
            Long throttled = stat.get("throttled_usec");
            return new Usage.Cpu(
                    used / 1e3,
                    stat.getOrDefault("user_usec", 0L) / 1e3,
                    stat.getOrDefault("system_usec", 0L) / 1e3,
                    throttled == null ? throttledOnV1() : Double.valueOf(throttled / 1e3));
        }
        if (!has(Controller.CPUACCT)) {
            return null;
        }
        Path counting = directory(Controller.CPUACCT);
        return new Usage.Cpu(
                files.number(counting, "cpuacct.usage", 0) / 1e6,
                files.number(counting, "cpuacct.usage_user", 0) / 1e6,
                files.number(counting, "cpuacct.usage_sys", 0) / 1e6,
                throttledOnV1());
    }

    private @Nullable Double throttledOnV1() {
        return has(Controller.CPU) && isV1(Controller.CPU)
                ? keyed(Controller.CPU, "cpu.stat").getOrDefault("throttled_time", 0L) / 1e6
                : null;
    }

    /** What its processes have used; null where nobody counts. */
    @Nullable Double cpuMillis(Path group) {
        Usage.Cpu used = cpuUsage(group);
        return used == null ? null : Double.valueOf(used.usageMillis());
    }

    private Usage.Memory memoryUsage() {
        Path group = directory(Controller.MEMORY);
        boolean v1 = isV1(Controller.MEMORY);
        Map<String, Long> stat = keyed(Controller.MEMORY, "memory.stat");
        Long swap;
        if (v1) {
            swap = stat.get("total_swap") == null ? stat.get("swap") : stat.get("total_swap");
        } else {
            long used = files.number(group, "memory.swap.current", -1);
            swap = used < 0 ? null : Long.valueOf(used);
        }
        return new Usage.Memory(
                files.number(group, v1 ? "memory.usage_in_bytes" : "memory.current", 0),
                peakMemoryBytes(),
                swap,
                stat.get(v1 ? "total_rss" : "anon"),
                stat.get(v1 ? "total_cache" : "file"),
                oomKills());
    }

    private Usage.Io ioUsage() {
        Path group = directory(Controller.IO);
        long[] sums = new long[4];
        if (isV1(Controller.IO)) {
            sumV1(files.read(group, "blkio.throttle.io_service_bytes_recursive"), sums, 0);
            sumV1(files.read(group, "blkio.throttle.io_serviced_recursive"), sums, 2);
        } else {
            for (String word : files.read(group, "io.stat").split("\\s+")) {
                String[] parts = word.split("=");
                int at = List.of("rbytes", "wbytes", "rios", "wios").indexOf(parts[0]);
                if (at >= 0) {
                    sums[at] += Long.parseLong(parts[1]);
                }
            }
        }
        return new Usage.Io(sums[0], sums[1], sums[2], sums[3]);
    }

    private static void sumV1(String text, long[] sums, int at) {
        for (String line : text.lines().toList()) {
            String[] words = line.split(" ");
            if (words.length == 3 && words[1].equals("Read")) {
                sums[at] += Long.parseLong(words[2]);
            } else if (words.length == 3 && words[1].equals("Write")) {
                sums[at + 1] += Long.parseLong(words[2]);
            }
        }
    }

    private Map<String, Usage.Pressure> pressure(Path group) {
        Map<String, Usage.Pressure> found = new LinkedHashMap<>();
        for (String kind : List.of("cpu", "memory", "io")) {
            String text = files.read(group, kind + ".pressure");
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

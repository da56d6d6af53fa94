package dev.seahaven.cgroup;

import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.syscall.Fd;

import org.jspecify.annotations.Nullable;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The limits of one sandbox: the files of its groups, each on the hierarchy that has its controller
 * (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/).
 */
final class Resources {

    private static final long CPU_PERIOD_MICROS = 100_000;
    private static final String PIDS_FILE = "pids.events";
    private static final String V1_SWAP_FILE = "memory.memsw.limit_in_bytes";
    private static final int IO_WEIGHT_USUAL = 100;
    private static final Set<Controller> ALWAYS = EnumSet.of(Controller.MEMORY, Controller.PIDS);

    private final GroupFiles files;
    private final Hierarchies hierarchies;
    private final String id;
    private final Path base;

    /** Null until it is known. */
    private volatile @Nullable Set<Path> ownV1Groups;

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

    private Path directory(Controller controller) {
        return hierarchies.directory(controller).resolve(id);
    }

    private boolean isV1(Controller controller) {
        return hierarchies.isV1(controller);
    }

    private boolean has(Controller controller) {
        return hierarchies.has(controller)
                && (!isV1(controller) || ownV1Groups().contains(directory(controller)));
    }

    // ---------------------------------------------------------------- making and removing

    /**
     * Makes what the limits need, and sets them; the group on cgroup2 is there already.
     *
     * @param accounted whether the time of its processes is to be told while they run
     */
    void create(Limits limits, boolean accounted) {
        Set<Controller> needed = limits.needs();
        needed.forEach(hierarchies::require);
        ALWAYS.stream().filter(hierarchies::has).forEach(needed::add);
        if (accounted && hierarchies.unified() == null && hierarchies.has(Controller.CPUACCT)) {
            needed.add(Controller.CPUACCT);
        }
        needed.forEach(this::make);
        ownV1Groups =
                needed.stream().filter(this::isV1).map(this::directory).collect(Collectors.toSet());
        if (limits.devices() != null || hierarchies.filtersDevices()) {
            hierarchies.allowDevices(
                    directory(Controller.DEVICES),
                    Objects.requireNonNullElse(limits.devices(), Limits.DeviceRules.USUAL));
        }
        write(Limits.NONE, limits);
    }

    /** Whether it was not there. */
    private boolean make(Controller controller) {
        if (!isV1(controller) || !files.mkdir(directory(controller))) {
            return false;
        }
        if (controller == Controller.CPUSET) {
            hierarchies.inheritCpuset(directory(controller));
        }
        return true;
    }

    /** Its directories on v1 hierarchies; cpu and cpuacct are often one. */
    Set<Path> ownV1Groups() {
        Set<Path> known = ownV1Groups;
        if (known == null) {
            known =
                    Arrays.stream(Controller.values())
                            .filter(this::isV1)
                            .map(this::directory)
                            .filter(Files::isDirectory)
                            .collect(Collectors.toSet());
            ownV1Groups = known;
        }
        return known;
    }

    /** The directories on v1 hierarchies that a process has to enter. */
    Set<Path> v1Groups() {
        Set<Path> groups = new HashSet<>(ownV1Groups());
        if (isV1(Controller.DEVICES) && !has(Controller.DEVICES)) {
            groups.add(hierarchies.defaultDevices());
        }
        return groups;
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
        ownV1Groups = null;
        for (Controller each : needed) {
            if (make(each)) {
                moveAll(directory(each), processes);
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

    /** Writes what is not the same; null goes back to what a new group has. */
    private void write(Limits before, Limits after) {
        if (!Objects.equals(before.memoryBytes(), after.memoryBytes())
                || !Objects.equals(before.swapBytes(), after.swapBytes())) {
            memory(before, after);
        }
        if (!Objects.equals(before.pids(), after.pids())) {
            String most = after.pids() == null ? "max" : after.pids().toString();
            files.write(directory(Controller.PIDS), "pids.max", most);
        }
        if (!Objects.equals(before.cpus(), after.cpus())) {
            cpu(after.cpus());
        }
        if (!Objects.equals(before.cpuset(), after.cpuset())) {
            cpuset(after.cpuset());
        }
        if (!Objects.equals(before.ioWeight(), after.ioWeight())) {
            ioWeight(Objects.requireNonNullElse(after.ioWeight(), IO_WEIGHT_USUAL));
        }
        for (Limits.IoRate rate : before.io()) {
            if (after.io().stream().noneMatch(other -> other.device().equals(rate.device()))) {
                io(new Limits.IoRate(rate.device(), null, null, null, null));
            }
        }
        after.io().stream().filter(rate -> !before.io().contains(rate)).forEach(this::io);
        Set<String> sizes = new HashSet<>(before.hugepageBytes().keySet());
        sizes.addAll(after.hugepageBytes().keySet());
        sizes.forEach(size -> hugepages(size, after.hugepageBytes().get(size)));
    }

    private void memory(Limits before, Limits after) {
        Path group = directory(Controller.MEMORY);
        Long memory = after.memoryBytes();
        Long swap = after.swapBytes();
        if (!isV1(Controller.MEMORY)) {
            files.write(group, "memory.max", memory == null ? "max" : memory.toString());
            requireSwap(
                    swap,
                    files.writeIfThere(
                            group, "memory.swap.max", swap == null ? "max" : swap.toString()));
            return;
        }
        String most = memory == null ? "-1" : memory.toString();
        Long both = memoryAndSwap(after);
        Long bothBefore = memoryAndSwap(before);
        String mostWithSwap = both == null ? "-1" : both.toString();
        // memory may never be above memory and swap together
        boolean swapFirst = bothBefore != null && (memory == null || memory > bothBefore);
        if (swapFirst) {
            requireSwap(swap, files.writeIfThere(group, V1_SWAP_FILE, mostWithSwap));
        }
        files.write(group, "memory.limit_in_bytes", most);
        if (!swapFirst) {
            requireSwap(swap, files.writeIfThere(group, V1_SWAP_FILE, mostWithSwap));
        }
    }

    /** None is the default, and goes without saying where nobody counts it. */
    private static void requireSwap(@Nullable Long swap, boolean counted) {
        if (swap != null && swap > 0 && !counted) {
            throw new MissingFeatureException(
                    "cgroup-swap",
                    "This kernel does not count swap by cgroup (swapaccount=1); leave"
                            + " limits.swapBytes out.");
        }
    }

    private static @Nullable Long memoryAndSwap(Limits limits) {
        Long memory = limits.memoryBytes();
        Long swap = limits.swapBytes();
        return memory == null || swap == null ? null : Long.valueOf(memory + swap);
    }

    private void cpuset(@Nullable String processors) {
        Path group = directory(Controller.CPUSET);
        if (processors == null) {
            hierarchies.inheritCpuset(group);
        } else {
            files.write(group, "cpuset.cpus", processors);
        }
    }

    private void hugepages(String size, @Nullable Long bytes) {
        boolean v1 = isV1(Controller.HUGETLB);
        files.write(
                directory(Controller.HUGETLB),
                "hugetlb." + size + (v1 ? ".limit_in_bytes" : ".max"),
                bytes == null ? (v1 ? "-1" : "max") : bytes.toString());
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
        long scaled = 1 + Math.round((weight - 1) * 999 / 9999.0); // 1 to 1000 for bfq and v1
        if (isV1(Controller.IO)) {
            known.put("blkio.bfq.weight", Long.toString(scaled));
            known.put("blkio.weight", Long.toString(Math.max(10, scaled)));
        } else {
            known.put("io.weight", "default " + weight);
            known.put("io.bfq.weight", Long.toString(scaled));
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
        if (isV1(Controller.IO)) {
            throttle(group, rate.device(), "read_bps", rate.readBytesPerSecond());
            throttle(group, rate.device(), "write_bps", rate.writeBytesPerSecond());
            throttle(group, rate.device(), "read_iops", rate.readOperationsPerSecond());
            throttle(group, rate.device(), "write_iops", rate.writeOperationsPerSecond());
            return;
        }
        files.write(
                group,
                "io.max",
                rate.device()
                        + (" rbps=" + orMax(rate.readBytesPerSecond()))
                        + (" wbps=" + orMax(rate.writeBytesPerSecond()))
                        + (" riops=" + orMax(rate.readOperationsPerSecond()))
                        + (" wiops=" + orMax(rate.writeOperationsPerSecond())));
    }

    /** 0 takes the rate away. */
    private void throttle(Path group, String device, String kind, @Nullable Long rate) {
        files.write(
                group,
                "blkio.throttle." + kind + "_device",
                device + " " + Objects.requireNonNullElse(rate, 0L));
    }

    private static String orMax(@Nullable Long rate) {
        return rate == null ? "max" : rate.toString();
    }

    // ---------------------------------------------------------------- what was used

    Evidence evidence() {
        return new Evidence(oomKills(), pidsRefused());
    }

    private long oomKills() {
        return value(counter(Controller.MEMORY, oomFile()), "oom_kill");
    }

    private long pidsRefused() {
        return value(counter(Controller.PIDS, PIDS_FILE), "max");
    }

    /** Of a file with a name and a number in each line; 0 without the name. */
    private static long value(String text, String name) {
        return text.lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1)))
                .findFirst()
                .orElse(0);
    }

    private String oomFile() {
        return isV1(Controller.MEMORY) ? "memory.oom_control" : "memory.events";
    }

    private String peakFile() {
        return isV1(Controller.MEMORY) ? "memory.max_usage_in_bytes" : "memory.peak";
    }

    void openCounters() {
        openCounter(Controller.MEMORY, oomFile());
        openCounter(Controller.MEMORY, peakFile());
        openCounter(Controller.PIDS, PIDS_FILE);
    }

    private void openCounter(Controller controller, String file) {
        Fd opened = has(controller) ? files.openCounter(directory(controller), file) : null;
        if (opened != null) {
            counters.put(file, opened);
        }
    }

    void closeCounters() {
        counters.values().forEach(Fd::close);
        counters.clear();
    }

    /** Empty where nobody counts. */
    private String counter(Controller controller, String file) {
        Fd opened = counters.get(file);
        if (opened != null) {
            return files.readCounter(opened);
        }
        return has(controller) ? files.readIfThere(directory(controller), file) : "";
    }

    private Map<String, Long> keyed(Path group, String file) {
        return keyed(files.readIfThere(group, file));
    }

    private static Map<String, Long> keyed(String text) {
        Map<String, Long> values = new HashMap<>();
        text.lines()
                .map(line -> line.split(" "))
                .filter(words -> words.length == 2)
                .forEach(words -> values.put(words[0], Long.parseLong(words[1])));
        return values;
    }

    @Nullable Long peakMemoryBytes() {
        long peak = GroupFiles.number(counter(Controller.MEMORY, peakFile()), -1);
        return peak < 0 ? null : peak;
    }

    Usage usage() {
        return new Usage(
                cpuUsage(),
                has(Controller.MEMORY) ? memoryUsage() : null,
                has(Controller.PIDS)
                        ? new Usage.Pids(
                                files.number(directory(Controller.PIDS), "pids.current", 0),
                                pidsRefused())
                        : null,
                has(Controller.IO) ? ioUsage() : null,
                pressure());
    }

    /** Every group on cgroup2 counts its time, also where no controller is there. */
    private Usage.@Nullable Cpu cpuUsage() {
        Map<String, Long> stat = keyed(base, "cpu.stat");
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
                ? keyed(directory(Controller.CPU), "cpu.stat").getOrDefault("throttled_time", 0L)
                        / 1e6
                : null;
    }

    /** What its processes have used; null where nobody counts. */
    @Nullable Double cpuMillis() {
        Usage.Cpu used = cpuUsage();
        return used == null ? null : Double.valueOf(used.usageMillis());
    }

    private Usage.Memory memoryUsage() {
        Path group = directory(Controller.MEMORY);
        boolean v1 = isV1(Controller.MEMORY);
        Map<String, Long> stat = keyed(directory(Controller.MEMORY), "memory.stat");
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
            sumV1(files.readIfThere(group, "blkio.throttle.io_service_bytes_recursive"), sums, 0);
            sumV1(files.readIfThere(group, "blkio.throttle.io_serviced_recursive"), sums, 2);
        } else {
            for (String word : files.readIfThere(group, "io.stat").split("\\s+")) {
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

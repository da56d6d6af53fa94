package dev.seahaven.cgroup.v1;

import dev.seahaven.cgroup.DeviceRules;
import dev.seahaven.cgroup.Dialect;
import dev.seahaven.cgroup.GroupFiles;
import dev.seahaven.cgroup.IoRate;
import dev.seahaven.cgroup.MissingFeatureException;
import dev.seahaven.cgroup.Usage;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The words of cgroup v1 (Documentation/admin-guide/cgroup-v1). */
public final class V1Dialect implements Dialect {

    private static final long CPU_PERIOD_MICROS = 100_000;
    private static final String MEMORY = "memory.limit_in_bytes";
    private static final String MEMORY_AND_SWAP = "memory.memsw.limit_in_bytes";

    /** What waits in TCP and UDP sockets, which cgroup v1 counts apart from all else. */
    private static final String SOCKETS = "memory.kmem.tcp.limit_in_bytes";

    private static final long SOCKETS_MAX = 64 << 20;

    private final GroupFiles files;

    public V1Dialect(GroupFiles files) {
        this.files = files;
    }

    @Override
    public String version() {
        return "v1";
    }

    /** Memory may never be above memory and swap together. */
    @Override
    public void setMemory(Path group, Memory before, Memory after) {
        Long memory = after.bytes();
        Long bothBefore = memoryAndSwap(before);
        boolean swapFirst = bothBefore != null && (memory == null || memory > bothBefore);
        if (swapFirst) {
            setMemoryAndSwap(group, after);
        }
        files.write(group, MEMORY, memory == null ? "-1" : memory.toString());
        if (!swapFirst) {
            setMemoryAndSwap(group, after);
        }
        setSockets(group, before, after);
    }

    private void setSockets(Path group, Memory before, Memory after) {
        Long most = sockets(after);
        if (Objects.equals(most, sockets(before))) {
            return;
        }
        try {
            files.writeIfThere(group, SOCKETS, most == null ? "-1" : most.toString());
        } catch (SyscallException e) {
            if (e.errno() != Errno.EBUSY) { // more waits already: the limit stays what it was
                throw e;
            }
        }
    }

    private static @Nullable Long sockets(Memory limits) {
        Long memory = limits.bytes();
        return memory == null ? null : Long.valueOf(Math.min(memory, SOCKETS_MAX));
    }

    private void setMemoryAndSwap(Path group, Memory after) {
        Long both = memoryAndSwap(after);
        MissingFeatureException.requireSwap(
                after.swapBytes(),
                files.writeIfThere(group, MEMORY_AND_SWAP, both == null ? "-1" : both.toString()));
    }

    private static @Nullable Long memoryAndSwap(Memory limits) {
        Long memory = limits.bytes();
        Long swap = limits.swapBytes();
        return memory == null || swap == null ? null : Long.valueOf(memory + swap);
    }

    @Override
    public void setPids(Path group, @Nullable Integer most) {
        files.write(group, "pids.max", most == null ? "max" : most.toString());
    }

    @Override
    public void setCpu(Path group, @Nullable Double cpus) {
        files.write(group, "cpu.cfs_period_us", Long.toString(CPU_PERIOD_MICROS));
        files.write(
                group,
                "cpu.cfs_quota_us",
                cpus == null
                        ? "-1"
                        : Long.toString(Math.max(1000, Math.round(cpus * CPU_PERIOD_MICROS))));
    }

    @Override
    public void setCpuset(Path group, @Nullable String processors) {
        Path parent = Objects.requireNonNull(group.getParent());
        files.write(
                group,
                "cpuset.cpus",
                processors == null ? files.read(parent, "cpuset.cpus") : processors);
        files.write(group, "cpuset.mems", files.read(parent, "cpuset.mems"));
    }

    @Override
    public void setIoWeight(Path group, int weight) {
        long scaled = 1 + Math.round((weight - 1) * 999 / 9999.0); // 1 to 1000
        if (!files.writeIfThere(group, "blkio.bfq.weight", Long.toString(scaled))
                && !files.writeIfThere(
                        group, "blkio.weight", Long.toString(Math.max(10, scaled)))) {
            throw MissingFeatureException.ioWeight();
        }
    }

    @Override
    public void setIoRate(Path group, IoRate rate) {
        throttle(group, rate.device(), "read_bps", rate.readBytesPerSecond());
        throttle(group, rate.device(), "write_bps", rate.writeBytesPerSecond());
        throttle(group, rate.device(), "read_iops", rate.readOperationsPerSecond());
        throttle(group, rate.device(), "write_iops", rate.writeOperationsPerSecond());
    }

    /** 0 takes the rate away. */
    private void throttle(Path group, String device, String kind, @Nullable Long rate) {
        files.write(
                group,
                "blkio.throttle." + kind + "_device",
                device + " " + Objects.requireNonNullElse(rate, 0L));
    }

    @Override
    public void setHugepages(Path group, String size, @Nullable Long bytes) {
        files.write(
                group,
                "hugetlb." + size + ".limit_in_bytes",
                bytes == null ? "-1" : bytes.toString());
    }

    @Override
    public void allowDevices(Path group, DeviceRules rules) {
        files.write(group, rules.all() ? "devices.allow" : "devices.deny", "a");
        if (!rules.all()) {
            rules.allowed().forEach(each -> files.write(group, "devices.allow", each.text()));
        }
    }

    @Override
    public boolean sharesDevices() {
        return true;
    }

    @Override
    public String oomFile() {
        return "memory.oom_control";
    }

    @Override
    public String peakMemoryFile() {
        return "memory.max_usage_in_bytes";
    }

    @Override
    public Usage.Memory memory(Path group, @Nullable Long peakBytes, long oomKills) {
        Map<String, Long> stat = files.keyed(group, "memory.stat");
        Long swap = stat.get("total_swap") == null ? stat.get("swap") : stat.get("total_swap");
        return new Usage.Memory(
                files.number(group, "memory.usage_in_bytes", 0),
                peakBytes,
                swap,
                stat.get("total_rss"),
                stat.get("total_cache"),
                oomKills);
    }

    @Override
    public Usage.Io io(Path group) {
        long[] sums = new long[4];
        sum(files.readIfThere(group, "blkio.throttle.io_service_bytes_recursive"), sums, 0);
        sum(files.readIfThere(group, "blkio.throttle.io_serviced_recursive"), sums, 2);
        return new Usage.Io(sums[0], sums[1], sums[2], sums[3]);
    }

    private static void sum(String text, long[] sums, int at) {
        for (String line : text.lines().toList()) {
            List<String> words = List.of(line.split(" "));
            if (words.size() == 3 && words.get(1).equals("Read")) {
                sums[at] += Long.parseLong(words.get(2));
            } else if (words.size() == 3 && words.get(1).equals("Write")) {
                sums[at + 1] += Long.parseLong(words.get(2));
            }
        }
    }

    @Override
    public @Nullable Double throttledMillis(Path group) {
        return files.keyed(group, "cpu.stat").getOrDefault("throttled_time", 0L) / 1e6;
    }
}

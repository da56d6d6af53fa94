package dev.seahaven.cgroup.v2;

import dev.seahaven.cgroup.DeviceRules;
import dev.seahaven.cgroup.Dialect;
import dev.seahaven.cgroup.GroupFiles;
import dev.seahaven.cgroup.IoRate;
import dev.seahaven.cgroup.MissingFeatureException;
import dev.seahaven.cgroup.Usage;
import dev.seahaven.syscall.Fd;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The words of cgroup2 (Documentation/admin-guide/cgroup-v2.rst). */
public final class V2Dialect implements Dialect {

    private static final long CPU_PERIOD_MICROS = 100_000;

    private final GroupFiles files;
    private final DeviceFilters devices;

    public V2Dialect(GroupFiles files, DeviceFilters devices) {
        this.files = files;
        this.devices = devices;
    }

    @Override
    public String version() {
        return "v2";
    }

    @Override
    public void setMemory(Path group, Memory before, Memory after) {
        files.write(group, "memory.max", orMax(after.bytes()));
        MissingFeatureException.requireSwap(
                after.swapBytes(),
                files.writeIfThere(group, "memory.swap.max", orMax(after.swapBytes())));
    }

    private static String orMax(@Nullable Long value) {
        return value == null ? "max" : value.toString();
    }

    @Override
    public void setPids(Path group, @Nullable Integer most) {
        files.write(group, "pids.max", most == null ? "max" : most.toString());
    }

    @Override
    public void setCpu(Path group, @Nullable Double cpus) {
        String quota =
                cpus == null
                        ? "max"
                        : Long.toString(Math.max(1000, Math.round(cpus * CPU_PERIOD_MICROS)));
        files.write(group, "cpu.max", quota + " " + CPU_PERIOD_MICROS);
    }

    @Override
    public void setCpuset(Path group, @Nullable String processors) {
        files.write(group, "cpuset.cpus", processors == null ? "\n" : processors);
    }

    @Override
    public void setIoWeight(Path group, int weight) {
        long scaled = 1 + Math.round((weight - 1) * 999 / 9999.0); // 1 to 1000 for bfq
        if (!files.writeIfThere(group, "io.weight", "default " + weight)
                && !files.writeIfThere(group, "io.bfq.weight", Long.toString(scaled))) {
            throw MissingFeatureException.ioWeight();
        }
    }

    @Override
    public void setIoRate(Path group, IoRate rate) {
        files.write(
                group,
                "io.max",
                rate.device()
                        + (" rbps=" + orMax(rate.readBytesPerSecond()))
                        + (" wbps=" + orMax(rate.writeBytesPerSecond()))
                        + (" riops=" + orMax(rate.readOperationsPerSecond()))
                        + (" wiops=" + orMax(rate.writeOperationsPerSecond())));
    }

    @Override
    public void setHugepages(Path group, String size, @Nullable Long bytes) {
        files.write(group, "hugetlb." + size + ".max", orMax(bytes));
    }

    /** By a BPF program, which cannot be widened later. */
    @Override
    public void allowDevices(Path group, DeviceRules rules) {
        if (rules.all()) {
            return;
        }
        try (Fd directory = files.open(group)) {
            devices.attach(directory, rules.allowed());
        }
    }

    @Override
    public boolean sharesDevices() {
        return false;
    }

    @Override
    public String oomFile() {
        return "memory.events";
    }

    @Override
    public String peakMemoryFile() {
        return "memory.peak";
    }

    @Override
    public Usage.Memory memory(Path group, @Nullable Long peakBytes, long oomKills) {
        Map<String, Long> stat = files.keyed(group, "memory.stat");
        long swap = files.number(group, "memory.swap.current", -1);
        return new Usage.Memory(
                files.number(group, "memory.current", 0),
                peakBytes,
                swap < 0 ? null : Long.valueOf(swap),
                stat.get("anon"),
                stat.get("file"),
                oomKills);
    }

    @Override
    public Usage.Io io(Path group) {
        long[] sums = new long[4];
        for (String word : files.readIfThere(group, "io.stat").split("\\s+")) {
            String[] parts = word.split("=");
            int at = List.of("rbytes", "wbytes", "rios", "wios").indexOf(parts[0]);
            if (at >= 0) {
                sums[at] += Long.parseLong(parts[1]);
            }
        }
        return new Usage.Io(sums[0], sums[1], sums[2], sums[3]);
    }

    /** It stands in {@code cpu.stat} of the group itself. */
    @Override
    public @Nullable Double throttledMillis(Path group) {
        return null;
    }
}

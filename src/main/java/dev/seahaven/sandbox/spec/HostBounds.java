package dev.seahaven.sandbox.spec;

import dev.seahaven.cgroup.Controller;
import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.procfs.CpuList;
import dev.seahaven.procfs.ProcLimits;
import dev.seahaven.procfs.ProcRoot;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What the host has at most: no sandbox can be given more. */
public final class HostBounds {

    private static final Path HUGEPAGES = Path.of("/sys/kernel/mm/hugepages");
    private final Cgroups cgroups;
    private final long memory;
    private final long swap;
    private final long defaultMemory;
    private final BitSet online;
    private final long pidMax;
    private final Map<String, Long> hardRlimits;
    private final List<String> hugepageSizes;

    public HostBounds(ProcRoot proc, Cgroups cgroups, SandboxSettings settings) {
        this.cgroups = cgroups;
        this.memory = meminfo(proc, "MemTotal:");
        this.swap = meminfo(proc, "SwapTotal:");
        this.defaultMemory = Math.min(settings.memoryBytes(), memory);
        this.online = readOnline();
        this.pidMax =
                proc.read("sys/kernel/pid_max")
                        .map(text -> Long.parseLong(text.trim()))
                        .orElse(32768L);
        this.hardRlimits = ProcLimits.read(proc, "self").unlessGone().orElseThrow().hard();
        this.hugepageSizes = sizes();
    }

    private static long meminfo(ProcRoot proc, String title) {
        return proc.read("meminfo")
                .orElse("")
                .lines()
                .filter(line -> line.startsWith(title))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                .findFirst()
                .orElse(Long.MAX_VALUE / 2);
    }

    private static BitSet readOnline() {
        try {
            String text = Files.readString(Path.of("/sys/devices/system/cpu/online")).trim();
            return CpuList.parse(text).orElseGet(BitSet::new);
        } catch (IOException e) {
            BitSet all = new BitSet();
            all.set(0, Runtime.getRuntime().availableProcessors());
            return all;
        }
    }

    /** Such as {@code 2MB}, as the names of the controller's files have it. */
    private static List<String> sizes() {
        List<String> sizes = new ArrayList<>();
        try (Stream<Path> entries = Files.list(HUGEPAGES)) {
            for (Path entry : entries.sorted().toList()) {
                long kib = Long.parseLong(entry.getFileName().toString().replaceAll("\\D", ""));
                sizes.add(
                        kib >= 1 << 20
                                ? (kib >> 20) + "GB"
                                : kib >= 1 << 10 ? (kib >> 10) + "MB" : kib + "KB");
            }
        } catch (IOException e) {
            return List.of();
        }
        return sizes;
    }

    long memoryBytes() {
        return memory;
    }

    long swapBytes() {
        return swap;
    }

    /** Null where nothing can limit it. */
    @Nullable Long defaultMemoryBytes() {
        return limitsMemory() ? defaultMemory : null;
    }

    boolean limitsMemory() {
        return cgroups.has(Controller.MEMORY);
    }

    boolean limitsPids() {
        return cgroups.has(Controller.PIDS);
    }

    int processors() {
        return online.cardinality();
    }

    BitSet online() {
        return online;
    }

    long pidMax() {
        return pidMax;
    }

    long openFilesMax() {
        return hardRlimits.getOrDefault("nofile", (long) Integer.MAX_VALUE);
    }

    /** By the names of {@link Rlimits}; those without a bound are not in it. */
    Map<String, Long> hardRlimits() {
        return hardRlimits;
    }

    List<String> hugepageSizes() {
        return hugepageSizes;
    }
}

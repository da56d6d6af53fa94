package dev.seahaven.sandbox.spec;

import dev.seahaven.cgroup.IoRate;
import dev.seahaven.cgroup.Limits;
import dev.seahaven.mount.Paths;
import dev.seahaven.problem.Violations;
import dev.seahaven.procfs.CpuList;
import dev.seahaven.sandbox.spec.LimitsRequest.IoRateRequest;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/** SandboxLimits as they were asked for, to limits with defaults, within what the host has. */
public final class LimitsResolver {

    private static final long MEMORY_MIN = 4L << 20;
    private static final int IO_WEIGHT_MAX = 10_000;
    private static final int PIDS_DEFAULT = 512;
    private static final int PIDS_MIN = 2; // init and the command
    private static final int OPEN_FILES_DEFAULT = 1024;
    private static final int OPEN_FILES_MIN = 8;
    private static final double CPUS_MIN = 0.01;
    private static final long DISK_MIN = 1L << 16;
    private static final long SHM_MIN = 4096;
    private static final long SHM_DEFAULT = 64L << 20;

    /**
     * No core, and no program of the host for it either: with 0 the one that core_pattern pipes to
     * is still started, as root of the host; with 1 it is not (core(5), coredump_pipe() in
     * fs/coredump.c).
     */
    private static final long NO_CORE = 1;

    private final Syscalls syscalls;
    private final HostBounds host;

    public LimitsResolver(Syscalls syscalls, HostBounds host) {
        this.syscalls = syscalls;
        this.host = host;
    }

    /** One row for each limit: what was asked for, checked, or the default. */
    public SandboxLimits resolve(@Nullable LimitsRequest asked, Violations wrong) {
        LimitsRequest request = Objects.requireNonNullElse(asked, LimitsRequest.NONE);
        checkCpus(request.cpus(), wrong);
        checkCpuset(request.cpuset(), wrong);
        Range range = new Range(wrong);
        Limits group =
                Limits.NONE
                        .with(
                                Limits.MEMORY_BYTES,
                                range.of(
                                        "memoryBytes",
                                        request.memoryBytes(),
                                        MEMORY_MIN,
                                        host.memoryBytes(),
                                        host.defaultMemoryBytes()))
                        .with(
                                Limits.SWAP_BYTES,
                                range.of(
                                        "swapBytes",
                                        request.swapBytes(),
                                        0,
                                        host.swapBytes(),
                                        host.limitsMemory() ? 0L : null))
                        .with(Limits.CPUS, request.cpus())
                        .with(Limits.CPUSET, request.cpuset())
                        .with(
                                Limits.PIDS,
                                range.of(
                                        "pids",
                                        request.pids(),
                                        PIDS_MIN,
                                        host.pidMax(),
                                        host.limitsPids() ? PIDS_DEFAULT : null))
                        .with(
                                Limits.IO_WEIGHT,
                                range.of("ioWeight", request.ioWeight(), 1, IO_WEIGHT_MAX, null))
                        .with(Limits.IO, io(request.io(), wrong))
                        .with(Limits.HUGEPAGE_BYTES, hugepages(request.hugepageBytes(), wrong));
        return new SandboxLimits(
                group,
                range.of("diskBytes", request.diskBytes(), DISK_MIN, host.memoryBytes(), null),
                Objects.requireNonNull(
                        range.of(
                                "shmBytes",
                                request.shmBytes(),
                                SHM_MIN,
                                host.memoryBytes(),
                                SHM_DEFAULT)),
                Objects.requireNonNull(
                        range.of(
                                "openFiles",
                                request.openFiles(),
                                OPEN_FILES_MIN,
                                host.openFilesMax(),
                                (int) Math.min(OPEN_FILES_DEFAULT, host.openFilesMax()))),
                rlimits(request.rlimits(), wrong));
    }

    /** Numbers within bounds; what is not given has the default, also none. */
    private record Range(Violations wrong) {

        @Nullable Long of(
                String member,
                @Nullable Long asked,
                long least,
                long most,
                @Nullable Long otherwise) {
            if (asked == null) {
                return otherwise == null ? null : Long.valueOf(Math.min(otherwise, most));
            }
            wrong.require(
                    asked >= least && asked <= most,
                    "limits." + member,
                    "must be from " + least + " to " + most + ", which this host has at most");
            return asked;
        }

        @Nullable Integer of(
                String member,
                @Nullable Integer asked,
                long least,
                long most,
                @Nullable Integer otherwise) {
            Long value =
                    of(
                            member,
                            asked == null ? null : asked.longValue(),
                            least,
                            most,
                            otherwise == null ? null : otherwise.longValue());
            return value == null ? null : value.intValue();
        }
    }

    private void checkCpus(@Nullable Double cpus, Violations wrong) {
        wrong.require(
                cpus == null || (cpus >= CPUS_MIN && cpus <= host.processors()),
                "limits.cpus",
                "must be from "
                        + CPUS_MIN
                        + " to "
                        + host.processors()
                        + ", the processors of the host");
    }

    private void checkCpuset(@Nullable String cpuset, Violations wrong) {
        if (cpuset == null) {
            return;
        }
        Optional<BitSet> wanted = CpuList.parse(cpuset);
        if (wanted.isEmpty()) {
            wrong.add("limits.cpuset", "must be a list such as 0-1,3");
            return;
        }
        BitSet missing = wanted.get();
        missing.andNot(host.online());
        wrong.require(
                missing.isEmpty(),
                "limits.cpuset",
                "names processors that are not online: " + missing);
    }

    private List<IoRate> io(@Nullable List<@Nullable IoRateRequest> asked, Violations wrong) {
        List<IoRate> rates = new ArrayList<>();
        List<@Nullable IoRateRequest> given = Objects.requireNonNullElse(asked, List.of());
        for (int i = 0; i < given.size(); i++) {
            IoRateRequest rate = given.get(i);
            String at = "limits.io[" + i + "]";
            if (rate == null || rate.device() == null) {
                wrong.add(at + ".device", "is needed: a device node such as /dev/sda, or 8:0");
                continue;
            }
            String device = blockDevice(rate.device());
            if (device == null) {
                wrong.add(at + ".device", "'" + rate.device() + "' is no block device");
                continue;
            }
            wrong.require(
                    rates.stream().noneMatch(other -> other.device().equals(device)),
                    at + ".device",
                    "is the one of an entry before");
            List<@Nullable Long> values =
                    Arrays.asList(
                            rate.readBytesPerSecond(),
                            rate.writeBytesPerSecond(),
                            rate.readOperationsPerSecond(),
                            rate.writeOperationsPerSecond());
            wrong.require(
                    values.stream().anyMatch(Objects::nonNull)
                            && values.stream().allMatch(value -> value == null || value > 0),
                    at,
                    "must have a rate, and rates above 0");
            rates.add(
                    new IoRate(
                            device,
                            rate.readBytesPerSecond(),
                            rate.writeBytesPerSecond(),
                            rate.readOperationsPerSecond(),
                            rate.writeOperationsPerSecond()));
        }
        return rates;
    }

    private @Nullable String blockDevice(String text) {
        if (text.matches("\\d{1,4}:\\d{1,7}")) {
            return Files.exists(Path.of("/sys/dev/block", text)) ? text : null;
        }
        if (!Paths.isAbsoluteAndPlain(text)) {
            return null;
        }
        try (Fd node = syscalls.open(text, Syscalls.O_PATH, 0)) {
            FileCalls.Stat about = syscalls.fstat(node);
            return about.isBlockDevice() ? about.major() + ":" + about.minor() : null;
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
                return null;
            }
            throw e;
        }
    }

    private Map<String, Long> hugepages(
            @Nullable Map<String, @Nullable Long> asked, Violations wrong) {
        Map<String, Long> limits = new TreeMap<>();
        Objects.requireNonNullElse(asked, Map.<String, @Nullable Long>of())
                .forEach(
                        (size, bytes) -> {
                            String at = "limits.hugepageBytes." + size;
                            if (wrong.require(
                                            host.hugepageSizes().contains(size),
                                            at,
                                            "is no page size of this host; it has "
                                                    + host.hugepageSizes())
                                    && wrong.require(
                                            bytes != null
                                                    && bytes >= 0
                                                    && bytes <= host.memoryBytes(),
                                            at,
                                            "must be from 0 to the memory of this host, "
                                                    + host.memoryBytes())) {
                                limits.put(size, bytes);
                            }
                        });
        return limits;
    }

    private Map<String, Long> rlimits(
            @Nullable Map<String, @Nullable Long> asked, Violations wrong) {
        Map<String, Long> limits = new LinkedHashMap<>();
        limits.put("core", NO_CORE);
        new TreeMap<>(Objects.requireNonNullElse(asked, Map.<String, @Nullable Long>of()))
                .forEach(
                        (name, value) -> {
                            String at = "limits.rlimits." + name;
                            Long most = host.hardRlimits().get(name);
                            if (name.equals("nofile")) {
                                wrong.add(at, "is limits.openFiles");
                            } else if (!Rlimits.BY_NAME.containsKey(name)) {
                                wrong.add(
                                        at,
                                        "is no limit of getrlimit(2); there are "
                                                + Rlimits.BY_NAME.keySet().stream()
                                                        .sorted()
                                                        .toList());
                            } else if (value == null || value < 0) {
                                wrong.add(at, "must not be negative");
                            } else if (most != null && value > most) {
                                wrong.add(at, "is above the daemon's own hard limit, " + most);
                            } else {
                                limits.put(name, value);
                            }
                        });
        return limits;
    }
}

package dev.seahaven.sandbox;

import dev.seahaven.cgroup.Limits.IoRate;
import dev.seahaven.mount.Paths;
import dev.seahaven.procfs.CpuList;
import dev.seahaven.sandbox.LimitsRequest.IoRateRequest;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.web.Violations;

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
import java.util.function.LongSupplier;

/** Limits as they were asked for, to limits with defaults, within what the host has. */
final class LimitsResolver {

    private static final long MEMORY_MIN = 4L << 20;
    private static final int IO_WEIGHT_MAX = 10_000;
    private static final int PIDS_DEFAULT = 512;
    private static final int PIDS_MIN = 2; // init and the command
    private static final int OPEN_FILES_DEFAULT = 1024;
    private static final int OPEN_FILES_MIN = 8;
    private static final double CPUS_MIN = 0.01;
    private static final long DISK_MIN = 1L << 16;

    /**
     * No core, and no program of the host for it either: with 0 the one that core_pattern pipes to
     * is still started, as root of the host; with 1 it is not (core(5), coredump_pipe() in
     * fs/coredump.c).
     */
    private static final long NO_CORE = 1;

    private final Syscalls syscalls;
    private final HostBounds host;

    LimitsResolver(Syscalls syscalls, HostBounds host) {
        this.syscalls = syscalls;
        this.host = host;
    }

    Limits resolve(@Nullable LimitsRequest asked, Violations wrong) {
        LimitsRequest request = Objects.requireNonNullElse(asked, LimitsRequest.NONE);
        Long memory =
                range(
                        "memoryBytes",
                        request.memoryBytes(),
                        MEMORY_MIN,
                        host.memoryBytes(),
                        host::defaultMemoryBytes,
                        wrong);
        Long swap =
                range(
                        "swapBytes",
                        request.swapBytes(),
                        0,
                        host.swapBytes(),
                        () -> host.limitsMemory() ? 0L : -1,
                        wrong);
        Long pids =
                range(
                        "pids",
                        request.pids() == null ? null : request.pids().longValue(),
                        PIDS_MIN,
                        host.pidMax(),
                        () -> host.limitsPids() ? Math.min(PIDS_DEFAULT, host.pidMax()) : -1,
                        wrong);
        Long files =
                range(
                        "openFiles",
                        request.openFiles() == null ? null : request.openFiles().longValue(),
                        OPEN_FILES_MIN,
                        host.openFilesMax(),
                        () -> Math.min(OPEN_FILES_DEFAULT, host.openFilesMax()),
                        wrong);
        if (request.cpus() != null) {
            wrong.require(
                    request.cpus() >= CPUS_MIN && request.cpus() <= host.processors(),
                    "limits.cpus",
                    "must be from "
                            + CPUS_MIN
                            + " to "
                            + host.processors()
                            + ", the processors of the host");
        }
        if (request.ioWeight() != null) {
            wrong.require(
                    request.ioWeight() >= 1 && request.ioWeight() <= IO_WEIGHT_MAX,
                    "limits.ioWeight",
                    "must be from 1 to " + IO_WEIGHT_MAX);
        }
        Long disk =
                range(
                        "diskBytes",
                        request.diskBytes(),
                        DISK_MIN,
                        host.memoryBytes(),
                        () -> -1,
                        wrong);
        checkCpuset(request.cpuset(), wrong);
        return new Limits(
                memory,
                swap,
                request.cpus(),
                request.cpuset(),
                pids == null ? null : pids.intValue(),
                request.ioWeight(),
                io(request.io(), wrong),
                hugepages(request.hugepageBytes(), wrong),
                disk,
                files == null ? OPEN_FILES_DEFAULT : files.intValue(),
                rlimits(request.rlimits(), wrong));
    }

    /** Negative defaults stand for none. */
    private static @Nullable Long range(
            String member,
            @Nullable Long asked,
            long least,
            long most,
            LongSupplier otherwise,
            Violations wrong) {
        if (asked == null) {
            long value = otherwise.getAsLong();
            return value < 0 ? null : value;
        }
        wrong.require(
                asked >= least && asked <= most,
                "limits." + member,
                "must be from " + least + " to " + most + ", which this host has at most");
        return asked;
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
            Syscalls.Stat about = syscalls.fstat(node);
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

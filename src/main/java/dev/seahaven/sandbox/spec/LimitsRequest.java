package dev.seahaven.sandbox.spec;

import dev.seahaven.cgroup.IoRate;
import dev.seahaven.cgroup.Limits;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What the processes of a sandbox may use together, as it is asked for and as it is answered. What
 * is not given has a default.
 */
@Schema(name = "Limits")
public record LimitsRequest(
        @Schema(description = "Default: of the configuration.", example = "67108864")
                @Nullable Long memoryBytes,
        @Schema(description = "Beside the memory.", defaultValue = "0") @Nullable Long swapBytes,
        @Schema(description = "Processors' worth of time. Absent: all.", example = "0.5")
                @Nullable Double cpus,
        @Schema(description = "Processors that it may run on. Absent: all.", example = "0-1")
                @Nullable String cpuset,
        @Schema(description = "Processes and threads.", defaultValue = "512")
                @Nullable Integer pids,
        @Schema(description = "1 to 10000; 100 is the usual.", example = "100")
                @Nullable Integer ioWeight,
        @Schema(description = "Rates by block device.") @Nullable List<@Nullable IoRateRequest> io,
        @Schema(description = "Bytes of huge pages, by their size.", example = "{\"2MB\": 4194304}")
                @Nullable Map<String, @Nullable Long> hugepageBytes,
        @Schema(
                        description =
                                "Size of the writable layer, which then is in memory and counts to"
                                        + " it. Runs have one always.",
                        example = "268435456")
                @Nullable Long diskBytes,
        @Schema(
                        description = "Size of /dev/shm, which counts to the memory.",
                        defaultValue = "67108864")
                @Nullable Long shmBytes,
        @Schema(description = "Open files of one process.", defaultValue = "1024")
                @Nullable Integer openFiles,
        @Schema(
                        description =
                                "Other limits of getrlimit(2) for each process, soft and hard, by"
                                        + " name in lower case: as, core, cpu, data, fsize, locks,"
                                        + " memlock, msgqueue, nice, nproc, rss, rtprio, rttime,"
                                        + " sigpending, stack.",
                        example = "{\"fsize\": 1048576}")
                @Nullable Map<String, @Nullable Long> rlimits) {

    @Schema(name = "IoRate")
    public record IoRateRequest(
            @Schema(description = "A device node, or major:minor.", example = "/dev/sda")
                    @Nullable String device,
            @Nullable Long readBytesPerSecond,
            @Nullable Long writeBytesPerSecond,
            @Nullable Long readOperationsPerSecond,
            @Nullable Long writeOperationsPerSecond) {

        private static IoRateRequest of(IoRate rate) {
            return new IoRateRequest(
                    rate.device(),
                    rate.readBytesPerSecond(),
                    rate.writeBytesPerSecond(),
                    rate.readOperationsPerSecond(),
                    rate.writeOperationsPerSecond());
        }
    }

    static final LimitsRequest NONE =
            new LimitsRequest(
                    null, null, null, null, null, null, null, null, null, null, null, null);

    /** Limits as one would ask for them. */
    public static LimitsRequest of(SandboxLimits limits) {
        Limits group = limits.group();
        return new LimitsRequest(
                group.get(Limits.MEMORY_BYTES),
                group.get(Limits.SWAP_BYTES),
                group.get(Limits.CPUS),
                group.get(Limits.CPUSET),
                group.get(Limits.PIDS),
                group.get(Limits.IO_WEIGHT),
                Objects.requireNonNullElse(group.get(Limits.IO), List.<IoRate>of()).stream()
                        .<@Nullable IoRateRequest>map(IoRateRequest::of)
                        .toList(),
                new LinkedHashMap<>(
                        Objects.requireNonNullElse(
                                group.get(Limits.HUGEPAGE_BYTES), Map.<String, Long>of())),
                limits.diskBytes(),
                limits.shmBytes(),
                limits.openFiles(),
                new LinkedHashMap<>(limits.rlimits()));
    }
}

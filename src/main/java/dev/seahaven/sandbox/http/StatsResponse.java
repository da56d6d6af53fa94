package dev.seahaven.sandbox.http;

import dev.seahaven.cgroup.Limits;
import dev.seahaven.cgroup.Usage;
import dev.seahaven.procfs.NetDev;
import dev.seahaven.sandbox.spec.SandboxSpec;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a sandbox uses, at one moment. A member is null where the host cannot tell it. */
@Schema(name = "Stats")
record StatsResponse(
        Instant time,
        @Nullable Cpu cpu,
        @Nullable Memory memory,
        @Schema(description = "The limit of its memory.") @Nullable Long memoryLimitBytes,
        @Nullable Pids pids,
        @Nullable Integer pidsLimit,
        @Nullable Io io,
        @Schema(description = "By interface.") Map<String, Interface> network,
        @Schema(description = "By cpu, memory and io.") Map<String, Pressure> pressure) {

    /**
     * @param throttledMillis for which it waited for its next share
     */
    @Schema(name = "CpuStats")
    record Cpu(
            double usageMillis,
            @Nullable Double userMillis,
            @Nullable Double systemMillis,
            @Nullable Double throttledMillis) {}

    /**
     * @param usageBytes with the page cache
     * @param oomKills how many processes the kernel has killed for want of memory
     */
    @Schema(name = "MemoryStats")
    record Memory(
            long usageBytes,
            @Nullable Long peakBytes,
            @Nullable Long swapBytes,
            @Nullable Long anonymousBytes,
            @Nullable Long fileBytes,
            long oomKills) {}

    /**
     * @param refused forks that met the limit
     */
    @Schema(name = "PidsStats")
    record Pids(long current, long refused) {}

    @Schema(name = "IoStats")
    record Io(long readBytes, long writtenBytes, long readOperations, long writeOperations) {}

    @Schema(name = "InterfaceStats")
    record Interface(long receivedBytes, long receivedPackets, long sentBytes, long sentPackets) {}

    @Schema(name = "Pressure")
    record Pressure(@Nullable Stall some, @Nullable Stall full) {}

    /**
     * @param avg10 per cent of the last ten seconds
     * @param totalMillis of all time
     */
    @Schema(name = "Stall")
    record Stall(double avg10, double avg60, double avg300, double totalMillis) {

        private static @Nullable Stall of(Usage.@Nullable Stall stall) {
            return stall == null
                    ? null
                    : new Stall(stall.avg10(), stall.avg60(), stall.avg300(), stall.totalMillis());
        }
    }

    static StatsResponse of(SandboxSpec spec, Usage usage, Map<String, NetDev> network) {
        Limits limits = spec.limits().group();
        Usage.Cpu cpu = usage.cpu();
        Usage.Memory memory = usage.memory();
        Usage.Pids pids = usage.pids();
        Usage.Io io = usage.io();
        return new StatsResponse(
                Instant.now(),
                cpu == null
                        ? null
                        : new Cpu(
                                cpu.usageMillis(),
                                cpu.userMillis(),
                                cpu.systemMillis(),
                                cpu.throttledMillis()),
                memory == null
                        ? null
                        : new Memory(
                                memory.usageBytes(),
                                memory.peakBytes(),
                                memory.swapBytes(),
                                memory.anonymousBytes(),
                                memory.fileBytes(),
                                memory.oomKills()),
                limits.get(Limits.MEMORY_BYTES),
                pids == null ? null : new Pids(pids.current(), pids.refused()),
                limits.get(Limits.PIDS),
                io == null
                        ? null
                        : new Io(
                                io.readBytes(),
                                io.writtenBytes(),
                                io.readOperations(),
                                io.writeOperations()),
                interfaces(network),
                pressure(usage.pressure()));
    }

    private static Map<String, Interface> interfaces(Map<String, NetDev> network) {
        Map<String, Interface> interfaces = new LinkedHashMap<>();
        network.forEach(
                (name, counters) ->
                        interfaces.put(
                                name,
                                new Interface(
                                        counters.receivedBytes(),
                                        counters.receivedPackets(),
                                        counters.sentBytes(),
                                        counters.sentPackets())));
        return interfaces;
    }

    private static Map<String, Pressure> pressure(Map<String, Usage.Pressure> of) {
        Map<String, Pressure> pressure = new LinkedHashMap<>();
        of.forEach(
                (kind, each) ->
                        pressure.put(
                                kind, new Pressure(Stall.of(each.some()), Stall.of(each.full()))));
        return pressure;
    }
}

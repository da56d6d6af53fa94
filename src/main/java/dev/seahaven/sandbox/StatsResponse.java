package dev.seahaven.sandbox;

import dev.seahaven.cgroup.Usage;
import dev.seahaven.procfs.ProcRoot;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a sandbox uses, at one moment. A member is null where the host cannot tell it. */
@Schema(name = "Stats")
record StatsResponse(
        Instant time,
        Usage.@Nullable Cpu cpu,
        Usage.@Nullable Memory memory,
        @Schema(description = "The limit of its memory.") @Nullable Long memoryLimitBytes,
        Usage.@Nullable Pids pids,
        @Nullable Integer pidsLimit,
        Usage.@Nullable Io io,
        @Schema(description = "By interface.") Map<String, Interface> network,
        @Schema(description = "By cpu, memory and io.") Map<String, Usage.Pressure> pressure) {

    private static final int RECEIVED_BYTES = 0;
    private static final int RECEIVED_PACKETS = 1;
    private static final int SENT_BYTES = 8;
    private static final int SENT_PACKETS = 9;
    private static final int COLUMNS = 16;

    @Schema(name = "InterfaceStats")
    record Interface(long receivedBytes, long receivedPackets, long sentBytes, long sentPackets) {}

    static StatsResponse of(Sandbox sandbox, Usage usage, ProcRoot proc) {
        Integer pid = sandbox.state().pid();
        return new StatsResponse(
                Instant.now(),
                usage.cpu(),
                usage.memory(),
                sandbox.spec().limits().memoryBytes(),
                usage.pids(),
                sandbox.spec().limits().pids(),
                usage.io(),
                pid == null ? Map.of() : interfaces(proc.read(pid + "/net/dev").orElse("")),
                usage.pressure());
    }

    /** As {@code /proc/PID/net/dev} has them (proc_pid_net(5)). */
    static Map<String, Interface> interfaces(String text) {
        Map<String, Interface> found = new LinkedHashMap<>();
        for (String line : text.lines().toList()) {
            int colon = line.lastIndexOf(": ");
            if (colon < 0) {
                continue;
            }
            String[] columns = line.substring(colon + 1).trim().split("\\s+");
            if (columns.length >= COLUMNS) {
                found.put(
                        line.substring(0, colon).trim(),
                        new Interface(
                                Long.parseLong(columns[RECEIVED_BYTES]),
                                Long.parseLong(columns[RECEIVED_PACKETS]),
                                Long.parseLong(columns[SENT_BYTES]),
                                Long.parseLong(columns[SENT_PACKETS])));
            }
        }
        return found;
    }
}

package dev.seahaven.sandbox.http;

import com.fasterxml.jackson.annotation.JsonProperty;

import dev.seahaven.sandbox.life.Exit;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;

/**
 * How a sandbox or a run ended, as it is answered. Public, for the answers of runs hold it too.
 *
 * @param exitCode of the command; 128 and the number of the signal when one ended it; null when
 *     nobody knows
 * @param signal its name without {@code SIG}
 * @param evidence the kernel's own counters of what was refused
 */
@Schema(name = "Exit")
public record ExitResponse(
        @Nullable Integer exitCode,
        @Nullable String signal,
        Reason reason,
        Instant finishedAt,
        Evidence evidence) {

    /** {@link Exit.Reason}, by its name on the wire. */
    public enum Reason {
        @JsonProperty("exited")
        EXITED,
        @JsonProperty("signaled")
        SIGNALED,
        @JsonProperty("timed-out")
        TIMED_OUT,
        @JsonProperty("out-of-memory")
        OUT_OF_MEMORY,
        @JsonProperty("output-limit")
        OUTPUT_LIMIT,
        @JsonProperty("disk-limit")
        DISK_LIMIT,
        @JsonProperty("kernel-memory-limit")
        KERNEL_MEMORY_LIMIT,
        @JsonProperty("stopped")
        STOPPED,
        @JsonProperty("monitor-lost")
        MONITOR_LOST
    }

    @Schema(name = "Evidence")
    public record Evidence(long oomKills, long pidsRefused) {}

    public static ExitResponse of(Exit exit) {
        return new ExitResponse(
                exit.exitCode(),
                exit.signal(),
                reason(exit.reason()),
                exit.finishedAt(),
                new Evidence(exit.evidence().oomKills(), exit.evidence().pidsRefused()));
    }

    private static Reason reason(Exit.Reason reason) {
        return switch (reason) {
            case EXITED -> Reason.EXITED;
            case SIGNALED -> Reason.SIGNALED;
            case TIMED_OUT -> Reason.TIMED_OUT;
            case OUT_OF_MEMORY -> Reason.OUT_OF_MEMORY;
            case OUTPUT_LIMIT -> Reason.OUTPUT_LIMIT;
            case DISK_LIMIT -> Reason.DISK_LIMIT;
            case KERNEL_MEMORY_LIMIT -> Reason.KERNEL_MEMORY_LIMIT;
            case STOPPED -> Reason.STOPPED;
            case MONITOR_LOST -> Reason.MONITOR_LOST;
        };
    }
}

package dev.seahaven.exec.http;

import dev.seahaven.exec.ExecResult;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

/** How a program ended; of one that is detached only the pid is known. */
@Schema(name = "ExecResult")
record ExecResponse(
        @Schema(description = "128 and the number of the signal that ended it; 127 not found.")
                @Nullable Integer exitCode,
        @Nullable String signal,
        String stdout,
        String stderr,
        @Schema(description = "More was written than is kept.") boolean truncated,
        @Schema(description = "Killed, for its time was over.") boolean timedOut,
        double durationMillis,
        @Schema(description = "On the host; of a detached one.") @Nullable Integer pid) {

    static ExecResponse of(ExecResult result, Output output) {
        return new ExecResponse(
                result.exitCode(),
                result.signal(),
                output.of(result.stdout()),
                output.of(result.stderr()),
                result.truncated(),
                result.timedOut(),
                result.durationMillis(),
                result.pid());
    }
}

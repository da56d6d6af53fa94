package dev.seahaven.sandbox.http;

import com.fasterxml.jackson.annotation.JsonProperty;

import dev.seahaven.sandbox.life.Exit;
import dev.seahaven.sandbox.life.SandboxState;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;

/**
 * What a sandbox is doing, as it is answered.
 *
 * @param pid of its init, or its command where it has none, on the host; null when it does not run
 * @param restarts how often it was started again
 * @param exit how its last life ended
 */
@Schema(name = "SandboxState")
record StateResponse(
        Status status,
        @Nullable Integer pid,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt,
        int restarts,
        @Nullable ExitResponse exit) {

    enum Status {
        @JsonProperty("created")
        CREATED,
        @JsonProperty("running")
        RUNNING,
        @JsonProperty("paused")
        PAUSED,
        @JsonProperty("stopped")
        STOPPED,
        @JsonProperty("failed")
        FAILED
    }

    static StateResponse of(SandboxState state) {
        Exit exit = state.exit();
        return new StateResponse(
                status(state.status()),
                state.pid(),
                state.startedAt(),
                state.finishedAt(),
                state.restarts(),
                exit == null ? null : ExitResponse.of(exit));
    }

    private static Status status(SandboxState.Status status) {
        return switch (status) {
            case CREATED -> Status.CREATED;
            case RUNNING -> Status.RUNNING;
            case PAUSED -> Status.PAUSED;
            case STOPPED -> Status.STOPPED;
            case FAILED -> Status.FAILED;
        };
    }
}

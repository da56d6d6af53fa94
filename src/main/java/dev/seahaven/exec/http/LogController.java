package dev.seahaven.exec.http;

import dev.seahaven.exec.LogFile;
import dev.seahaven.problem.Violations;
import dev.seahaven.sandbox.life.SandboxQueries;
import dev.seahaven.sandbox.life.Sandboxes;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.StreamingResponseBody;

import java.time.Instant;
import java.time.format.DateTimeParseException;

@RestController
@Tag(name = "sandboxes")
class LogController {

    private final SandboxQueries sandboxes;

    LogController(Sandboxes sandboxes) {
        this.sandboxes = sandboxes.queries();
    }

    @GetMapping(path = "/sandboxes/{sandbox}/logs", produces = MediaType.TEXT_PLAIN_VALUE)
    @Operation(operationId = "getSandboxLogs", summary = "What a sandbox has written")
    @ApiResponse(
            responseCode = "200",
            content =
                    @Content(
                            mediaType = MediaType.TEXT_PLAIN_VALUE,
                            schema = @Schema(implementation = String.class)))
    ResponseEntity<StreamingResponseBody> logs(
            @PathVariable String sandbox,
            @Parameter(description = "Only that many lines at the end.") @RequestParam
                    @Nullable Long tail,
            @Parameter(description = "Only what was written then or later (RFC 3339).")
                    @RequestParam
                    @Nullable String since,
            @Parameter(description = "Only stdout or only stderr.") @RequestParam
                    @Nullable String stream) {
        Violations violations = new Violations();
        violations.require(tail == null || tail >= 0, "tail", "must not be negative");
        LogFile.Part part =
                new LogFile.Part(stream(stream, violations), tail, since(since, violations));
        violations.throwIfAny();
        LogFile log = new LogFile(sandboxes.log(sandboxes.get(sandbox)));
        return ResponseEntity.ok()
                .contentType(MediaType.TEXT_PLAIN)
                .body(out -> log.copy(part, out));
    }

    private static LogFile.@Nullable Stream stream(@Nullable String text, Violations violations) {
        if (text == null) {
            return null;
        }
        if (text.equals("stdout")) {
            return LogFile.Stream.STDOUT;
        }
        violations.require(text.equals("stderr"), "stream", "must be stdout or stderr");
        return LogFile.Stream.STDERR;
    }

    /** Since 1970, as near as a long can come: the years 1677 to 2262. */
    private static long nanos(Instant instant) {
        try {
            return Math.addExact(
                    Math.multiplyExact(instant.getEpochSecond(), 1_000_000_000L),
                    instant.getNano());
        } catch (ArithmeticException e) {
            return instant.getEpochSecond() < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
    }

    private static long since(@Nullable String text, Violations violations) {
        if (text == null) {
            return Long.MIN_VALUE;
        }
        try {
            Instant instant = Instant.parse(text);
            return nanos(instant);
        } catch (DateTimeParseException e) {
            violations.add("since", "must be a time such as 2026-01-31T12:00:00Z");
            return 0;
        }
    }
}

package dev.seahaven.sandbox;

import dev.seahaven.namespace.NamespaceFinder;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Signal;
import dev.seahaven.web.Page;
import dev.seahaven.web.Problem;
import dev.seahaven.web.ProblemType;
import dev.seahaven.web.Violations;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.StreamingResponseBody;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

@RestController
@RequestMapping(path = "/sandboxes", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "sandboxes")
class SandboxController {

    private static final double STOP_SECONDS = 10;
    private static final double WAIT_SECONDS = 30;
    private static final double WAIT_MAX_SECONDS = 3600;

    private final SandboxService service;
    private final NamespaceFinder finder;
    private final ProcRoot proc;

    SandboxController(SandboxService service, NamespaceFinder finder, ProcRoot proc) {
        this.service = service;
        this.finder = finder;
        this.proc = proc;
    }

    private SandboxResponse response(Sandbox sandbox) {
        return SandboxResponse.of(sandbox, service.cgroupPath(sandbox), finder);
    }

    private ResponseEntity<SandboxResponse> ok(Sandbox sandbox) {
        return ResponseEntity.ok().eTag(sandbox.version()).body(response(sandbox));
    }

    @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(operationId = "createSandbox", summary = "Create a sandbox, and start it")
    @ApiResponse(responseCode = "201", description = "It is made.")
    ResponseEntity<SandboxResponse> create(@RequestBody CreateSandboxRequest request) {
        Sandbox sandbox = service.create(service.resolver(request).sandbox());
        return ResponseEntity.created(URI.create("/sandboxes/" + sandbox.id()))
                .eTag(sandbox.version())
                .body(response(sandbox));
    }

    @GetMapping
    @Operation(operationId = "listSandboxes", summary = "List sandboxes by creation")
    Page<SandboxResponse> list(
            @Parameter(description = "Only those in this state.") @RequestParam
                    @Nullable String status,
            @Parameter(description = "Only those with this label: KEY=VALUE; may be repeated.")
                    @RequestParam
                    @Nullable List<String> label,
            @RequestParam(defaultValue = Page.DEFAULT_LIMIT) int limit,
            @Parameter(description = "The next of the page before.") @RequestParam
                    @Nullable String after) {
        SandboxState.Status wanted = status(status);
        List<String> labels = Objects.requireNonNullElse(label, List.of());
        for (String text : labels) {
            if (text.indexOf('=') < 1) {
                throw Problem.invalid("label", "must be KEY=VALUE");
            }
        }
        List<Sandbox> found =
                service.all().stream()
                        .filter(sandbox -> wanted == null || sandbox.state().status() == wanted)
                        .filter(
                                sandbox ->
                                        labels.stream().allMatch(text -> hasLabel(sandbox, text)))
                        .toList();
        return Page.of(found, Sandbox::key, limit, after).map(this::response);
    }

    private static SandboxState.@Nullable Status status(@Nullable String text) {
        if (text == null) {
            return null;
        }
        try {
            return SandboxState.Status.valueOf(text.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw Problem.invalid("status", "must be created, running, paused, stopped or failed");
        }
    }

    private static boolean hasLabel(Sandbox sandbox, String text) {
        int equals = text.indexOf('=');
        return text.substring(equals + 1)
                .equals(sandbox.spec().labels().get(text.substring(0, equals)));
    }

    @GetMapping("/{sandbox}")
    @Operation(operationId = "getSandbox", summary = "Inspect a sandbox")
    ResponseEntity<SandboxResponse> get(@PathVariable String sandbox) {
        return ok(service.get(sandbox));
    }

    @PatchMapping(
            path = "/{sandbox}",
            consumes = {MediaType.APPLICATION_JSON_VALUE, "application/merge-patch+json"})
    @Operation(
            operationId = "patchSandbox",
            summary = "Change name, labels and limits, also while it runs (RFC 7386)",
            description =
                    "Limits of each process (openFiles, rlimits) are changed while all of them are"
                            + " frozen for a moment, so that those that are just forked get them"
                            + " too.")
    ResponseEntity<SandboxResponse> patch(
            @PathVariable String sandbox,
            @RequestBody PatchSandboxRequest request,
            @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable String ifMatch) {
        return ok(service.patch(sandbox, request, found -> checkVersion(found, ifMatch)));
    }

    @GetMapping("/{sandbox}/stats")
    @Operation(operationId = "getSandboxStats", summary = "What a sandbox uses now")
    StatsResponse stats(@PathVariable String sandbox) {
        Sandbox found = service.get(sandbox);
        return StatsResponse.of(found, service.usage(found), proc);
    }

    /**
     * Clients that are made from the description accept problems only, where nothing else comes.
     */
    @DeleteMapping(path = "/{sandbox}", produces = MediaType.ALL_VALUE)
    @Operation(operationId = "deleteSandbox", summary = "Destroy a sandbox")
    @ApiResponse(responseCode = "204", description = "It is gone, with all that it had.")
    ResponseEntity<Void> delete(
            @PathVariable String sandbox,
            @Parameter(description = "Also one that runs, or whose namespaces others share.")
                    @RequestParam(defaultValue = "false")
                    boolean force,
            @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable String ifMatch) {
        service.delete(sandbox, force, found -> checkVersion(found, ifMatch));
        return ResponseEntity.noContent().build();
    }

    private static void checkVersion(Sandbox sandbox, @Nullable String ifMatch) {
        if (ifMatch == null || ifMatch.trim().equals("*")) {
            return;
        }
        String current = "\"" + sandbox.version() + "\"";
        for (String tag : ifMatch.split(",")) {
            if (tag.trim().equals(current)) {
                return;
            }
        }
        throw new Problem(
                ProblemType.PRECONDITION_FAILED,
                "The sandbox " + sandbox.id() + " has changed; read it again.");
    }

    @PostMapping("/{sandbox}/start")
    @Operation(operationId = "startSandbox", summary = "Start a sandbox that does not run")
    ResponseEntity<SandboxResponse> start(@PathVariable String sandbox) {
        return ok(service.start(sandbox));
    }

    /** How to stop. */
    @Schema(name = "StopSandbox")
    record StopRequest(
            @Schema(defaultValue = "10", description = "Before it is killed.")
                    @Nullable Double timeoutSeconds,
            @Schema(description = "Default: its stopSignal.") @Nullable String signal) {}

    @PostMapping("/{sandbox}/stop")
    @Operation(
            operationId = "stopSandbox",
            summary = "Ask a sandbox to end, and kill it after a time")
    ResponseEntity<SandboxResponse> stop(
            @PathVariable String sandbox,
            @RequestBody(required = false) @Nullable StopRequest request) {
        StopRequest how = request == null ? new StopRequest(null, null) : request;
        Signal signal = how.signal() == null ? null : signal(how.signal());
        return ok(service.stop(sandbox, wait(how.timeoutSeconds(), STOP_SECONDS), signal));
    }

    private static Signal signal(String text) {
        return Signal.parse(text)
                .orElseThrow(
                        () ->
                                Problem.invalid(
                                        "signal", "'" + text + "' is no signal of signal(7)"));
    }

    private static Duration wait(@Nullable Double seconds, double otherwise) {
        double value = seconds == null ? otherwise : seconds;
        if (!(value >= 0 && value <= WAIT_MAX_SECONDS)) {
            throw Problem.invalid("timeoutSeconds", "must be from 0 to " + (int) WAIT_MAX_SECONDS);
        }
        return Duration.ofMillis((long) (value * 1000));
    }

    /** Which signal to send. */
    @Schema(name = "KillSandbox")
    record KillRequest(
            @Schema(defaultValue = "KILL", description = "KILL ends every process at once.")
                    @Nullable String signal) {}

    @PostMapping("/{sandbox}/kill")
    @Operation(operationId = "killSandbox", summary = "Send a signal to the command")
    ResponseEntity<SandboxResponse> kill(
            @PathVariable String sandbox,
            @RequestBody(required = false) @Nullable KillRequest request) {
        String signal = request == null ? null : request.signal();
        return ok(service.kill(sandbox, signal(signal == null ? "KILL" : signal)));
    }

    /** How to stop before the start. */
    @Schema(name = "RestartSandbox")
    record RestartRequest(
            @Schema(defaultValue = "10", description = "Before it is killed.")
                    @Nullable Double timeoutSeconds) {}

    @PostMapping("/{sandbox}/restart")
    @Operation(operationId = "restartSandbox", summary = "Stop a sandbox if it runs, and start it")
    ResponseEntity<SandboxResponse> restart(
            @PathVariable String sandbox,
            @RequestBody(required = false) @Nullable RestartRequest request) {
        Double seconds = request == null ? null : request.timeoutSeconds();
        return ok(service.restart(sandbox, wait(seconds, STOP_SECONDS)));
    }

    @PostMapping("/{sandbox}/pause")
    @Operation(operationId = "pauseSandbox", summary = "Freeze every process of a sandbox")
    ResponseEntity<SandboxResponse> pause(@PathVariable String sandbox) {
        return ok(service.pause(sandbox));
    }

    @PostMapping("/{sandbox}/resume")
    @Operation(operationId = "resumeSandbox", summary = "Let a paused sandbox go on")
    ResponseEntity<SandboxResponse> resume(@PathVariable String sandbox) {
        return ok(service.resume(sandbox));
    }

    @GetMapping("/{sandbox}/wait")
    @Operation(operationId = "waitForSandbox", summary = "Wait until a sandbox has exited")
    Exit await(
            @PathVariable String sandbox,
            @Parameter(description = "Afterwards the answer is 408.") @RequestParam
                    @Nullable Double timeoutSeconds) {
        return service.await(sandbox, wait(timeoutSeconds, WAIT_SECONDS));
    }

    @GetMapping(path = "/{sandbox}/logs", produces = MediaType.TEXT_PLAIN_VALUE)
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
                    @Nullable String stream,
            @Parameter(description = "Not supported by this version yet.")
                    @RequestParam(defaultValue = "false")
                    boolean follow) {
        Violations violations = new Violations();
        violations.require(!follow, "follow", "is not supported by this version yet");
        violations.require(tail == null || tail >= 0, "tail", "must not be negative");
        LogFile.Part part =
                new LogFile.Part(stream(stream, violations), tail, since(since, violations));
        violations.throwIfAny();
        LogFile log = service.log(service.get(sandbox));
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

    private static long since(@Nullable String text, Violations violations) {
        if (text == null) {
            return Long.MIN_VALUE;
        }
        try {
            Instant instant = Instant.parse(text);
            return instant.getEpochSecond() * 1_000_000_000 + instant.getNano();
        } catch (DateTimeParseException e) {
            violations.add("since", "must be a time such as 2026-01-31T12:00:00Z");
            return 0;
        }
    }
}

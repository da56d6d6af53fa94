package dev.seahaven.sandbox.http;

import dev.seahaven.cgroup.Usage;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.problem.Problem;
import dev.seahaven.procfs.NetDev;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.life.Sandbox;
import dev.seahaven.sandbox.life.SandboxCommands;
import dev.seahaven.sandbox.life.SandboxQueries;
import dev.seahaven.sandbox.life.SandboxState;
import dev.seahaven.sandbox.life.Sandboxes;
import dev.seahaven.sandbox.spec.SandboxRequest;
import dev.seahaven.sandbox.spec.SpecResolver;
import dev.seahaven.syscall.Signal;
import dev.seahaven.web.ClientWatch;
import dev.seahaven.web.EntityTag;
import dev.seahaven.web.IfMatch;
import dev.seahaven.web.Labels;
import dev.seahaven.web.Page;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import tools.jackson.databind.json.JsonMapper;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;

@RestController
@RequestMapping(path = "/sandboxes", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "sandboxes")
class SandboxController {

    private static final double STOP_SECONDS = 10;
    private static final double WAIT_SECONDS = 30;
    private static final double WAIT_MAX_SECONDS = 3600;

    private final Sandboxes sandboxes;
    private final SandboxCommands commands;
    private final SandboxQueries queries;
    private final NamespaceFinder finder;
    private final ProcRoot proc;
    private final JsonMapper json;
    private final ClientWatch clients;

    SandboxController(
            Sandboxes sandboxes,
            NamespaceFinder finder,
            ProcRoot proc,
            JsonMapper json,
            ClientWatch clients) {
        this.sandboxes = sandboxes;
        this.commands = sandboxes.commands();
        this.queries = sandboxes.queries();
        this.finder = finder;
        this.proc = proc;
        this.json = json;
        this.clients = clients;
    }

    private SandboxResponse response(Sandbox sandbox) {
        Integer pid = sandbox.state().pid();
        return SandboxResponse.of(
                sandbox,
                pid == null ? List.of() : finder.memberships(pid),
                queries.cgroupPath(sandbox));
    }

    private ResponseEntity<SandboxResponse> ok(Sandbox sandbox) {
        return ResponseEntity.ok().eTag(version(sandbox)).body(response(sandbox));
    }

    /** It changes with everything that an answer tells of the sandbox itself. */
    private static String version(Sandbox sandbox) {
        return EntityTag.of(sandbox.id(), sandbox.spec(), sandbox.state());
    }

    private static SandboxCommands.Precondition expected(IfMatch ifMatch) {
        return sandbox -> ifMatch.check("sandbox " + sandbox.id(), version(sandbox));
    }

    @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(operationId = "createSandbox", summary = "Create a sandbox, and start it")
    @ApiResponse(responseCode = "201", description = "It is made.")
    ResponseEntity<SandboxResponse> create(@RequestBody SandboxRequest request) {
        Sandbox sandbox =
                commands.create(
                        new SpecResolver(request, sandboxes.limits(), sandboxes.security())
                                .sandbox());
        return ResponseEntity.created(URI.create("/sandboxes/" + sandbox.id()))
                .eTag(version(sandbox))
                .body(response(sandbox));
    }

    @GetMapping
    @Operation(operationId = "listSandboxes", summary = "List sandboxes by creation")
    Page<SandboxResponse> list(
            @Parameter(description = "Only those in this state.") @RequestParam
                    @Nullable String status,
            @Parameter(
                            description =
                                    "Only those with this label: KEY or KEY=VALUE; may be"
                                            + " repeated.")
                    @RequestParam
                    @Nullable List<String> label,
            @RequestParam(defaultValue = Page.DEFAULT_LIMIT) int limit,
            @Parameter(description = "The next of the page before.") @RequestParam
                    @Nullable String after) {
        SandboxState.Status wanted = status(status);
        List<Sandbox> found =
                queries.all().stream()
                        .filter(sandbox -> wanted == null || sandbox.state().status() == wanted)
                        .filter(sandbox -> Labels.match(label, sandbox.spec().labels()))
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

    @GetMapping("/{sandbox}")
    @Operation(operationId = "getSandbox", summary = "Inspect a sandbox")
    ResponseEntity<SandboxResponse> get(@PathVariable String sandbox) {
        return ok(queries.get(sandbox));
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
            IfMatch ifMatch) {
        SpecPatch patch = new SpecPatch(json, sandboxes.limits());
        return ok(
                commands.patch(sandbox, before -> patch.apply(before, request), expected(ifMatch)));
    }

    @GetMapping("/{sandbox}/stats")
    @Operation(operationId = "getSandboxStats", summary = "What a sandbox uses now")
    StatsResponse stats(@PathVariable String sandbox) {
        Sandbox found = queries.get(sandbox);
        Usage usage = queries.usage(found);
        Integer pid = found.state().pid();
        return StatsResponse.of(
                found.spec(),
                usage,
                pid == null ? Map.of() : NetDev.read(proc, pid).unlessGone().orElse(Map.of()));
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
            IfMatch ifMatch) {
        commands.delete(sandbox, force, expected(ifMatch));
        return ResponseEntity.noContent().build();
    }

    @PostMapping("/{sandbox}/start")
    @Operation(operationId = "startSandbox", summary = "Start a sandbox that does not run")
    ResponseEntity<SandboxResponse> start(@PathVariable String sandbox, IfMatch ifMatch) {
        return ok(commands.start(sandbox, expected(ifMatch)));
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
            @RequestBody(required = false) @Nullable StopRequest request,
            IfMatch ifMatch) {
        StopRequest how = request == null ? new StopRequest(null, null) : request;
        Signal signal = how.signal() == null ? null : signal(how.signal());
        return ok(
                commands.stop(
                        sandbox,
                        wait(how.timeoutSeconds(), STOP_SECONDS),
                        signal,
                        expected(ifMatch)));
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
            @RequestBody(required = false) @Nullable KillRequest request,
            IfMatch ifMatch) {
        String signal = request == null ? null : request.signal();
        return ok(
                commands.kill(
                        sandbox, signal(signal == null ? "KILL" : signal), expected(ifMatch)));
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
            @RequestBody(required = false) @Nullable RestartRequest request,
            IfMatch ifMatch) {
        Double seconds = request == null ? null : request.timeoutSeconds();
        return ok(commands.restart(sandbox, wait(seconds, STOP_SECONDS), expected(ifMatch)));
    }

    @PostMapping("/{sandbox}/pause")
    @Operation(operationId = "pauseSandbox", summary = "Freeze every process of a sandbox")
    ResponseEntity<SandboxResponse> pause(@PathVariable String sandbox, IfMatch ifMatch) {
        return ok(commands.pause(sandbox, expected(ifMatch)));
    }

    @PostMapping("/{sandbox}/resume")
    @Operation(operationId = "resumeSandbox", summary = "Let a paused sandbox go on")
    ResponseEntity<SandboxResponse> resume(@PathVariable String sandbox, IfMatch ifMatch) {
        return ok(commands.resume(sandbox, expected(ifMatch)));
    }

    @GetMapping("/{sandbox}/wait")
    @Operation(operationId = "waitForSandbox", summary = "Wait until a sandbox has exited")
    ExitResponse await(
            @PathVariable String sandbox,
            @Parameter(description = "Afterwards the answer is 408.") @RequestParam
                    @Nullable Double timeoutSeconds,
            HttpServletRequest http) {
        try (ClientWatch.Watched client = clients.watch(http)) {
            return ExitResponse.of(
                    queries.await(sandbox, wait(timeoutSeconds, WAIT_SECONDS), client::onGone));
        }
    }
}

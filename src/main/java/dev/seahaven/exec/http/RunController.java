package dev.seahaven.exec.http;

import dev.seahaven.exec.Runs;
import dev.seahaven.sandbox.life.Sandboxes;
import dev.seahaven.sandbox.spec.SandboxRequest;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.sandbox.spec.SpecResolver;
import dev.seahaven.web.ClientWatch;
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
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.time.Instant;
import java.util.List;
import java.util.Map;

@RestController
@RequestMapping(path = "/runs", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "runs")
class RunController {

    private final Sandboxes sandboxes;
    private final Runs runs;
    private final ClientWatch clients;

    RunController(Sandboxes sandboxes, Runs runs, ClientWatch clients) {
        this.sandboxes = sandboxes;
        this.runs = runs;
        this.clients = clients;
    }

    @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "run",
            summary = "Create a sandbox, run it to its end, collect and destroy it",
            description =
                    "It ends when its client goes away, but for one with an Idempotency-Key, whose"
                            + " answer is kept.")
    RunResponse run(@RequestBody SandboxRequest request, HttpServletRequest http) {
        SandboxSpec spec =
                new SpecResolver(request, sandboxes.limits(), sandboxes.security()).run();
        try (ClientWatch.Watched client = clients.watch(http)) {
            return RunResponse.of(
                    runs.run(spec, request.stdin(), client::onGone), Output.of(request.output()));
        }
    }

    /** A run that is under way. */
    @Schema(name = "Run")
    record RunSummary(
            @Schema(example = "k3v9x2m4qh7d") String id,
            @Nullable String name,
            Map<String, String> labels,
            List<String> command,
            Instant startedAt) {

        private static RunSummary of(Runs.Run run) {
            return new RunSummary(
                    run.id().value(),
                    run.spec().name(),
                    run.spec().labels(),
                    run.spec().command(),
                    run.startedAt());
        }

        private String key() {
            return startedAt + id;
        }
    }

    @GetMapping
    @Operation(operationId = "listRuns", summary = "List the runs that are under way")
    Page<RunSummary> list(
            @Parameter(
                            description =
                                    "Only those with this label: KEY or KEY=VALUE; may be"
                                            + " repeated.")
                    @RequestParam
                    @Nullable List<String> label,
            @RequestParam(defaultValue = Page.DEFAULT_LIMIT) int limit,
            @Parameter(description = "The next of the page before.") @RequestParam
                    @Nullable String after) {
        List<RunSummary> all =
                runs.underWay().stream()
                        .filter(run -> Labels.match(label, run.spec().labels()))
                        .map(RunSummary::of)
                        .toList();
        return Page.of(all, RunSummary::key, limit, after);
    }

    @DeleteMapping(path = "/{run}", produces = MediaType.ALL_VALUE)
    @Operation(
            operationId = "endRun",
            summary = "End a run",
            description = "Its own call is answered with the reason \"stopped\".")
    @ApiResponse(responseCode = "204", description = "It ends.")
    ResponseEntity<Void> end(@PathVariable String run) {
        runs.end(run);
        return ResponseEntity.noContent().build();
    }
}

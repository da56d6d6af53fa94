package dev.seahaven.sandbox;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

@RestController
@Tag(name = "runs")
class RunController {

    private final SandboxService service;

    RunController(SandboxService service) {
        this.service = service;
    }

    @PostMapping(
            path = "/runs",
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "run",
            summary = "Create a sandbox, run it to its end, collect and destroy it")
    Runs.Result run(@RequestBody CreateSandboxRequest request) {
        return service.run(service.resolver(request).run(), request.stdin());
    }
}

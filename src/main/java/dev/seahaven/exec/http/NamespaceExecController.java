package dev.seahaven.exec.http;

import dev.seahaven.exec.ExecSpec;
import dev.seahaven.exec.NamespaceExec;
import dev.seahaven.namespace.life.Entrances;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

@RestController
@Tag(name = "namespaces")
class NamespaceExecController {

    private final Entrances entrances;
    private final NamespaceExec exec;

    NamespaceExecController(Entrances entrances, NamespaceExec exec) {
        this.entrances = entrances;
        this.exec = exec;
    }

    @PostMapping(
            path = "/namespaces/{namespace}/exec",
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "execInNamespace",
            summary = "Run a program of the host inside of a namespace, as nsenter would")
    ExecResponse run(@PathVariable String namespace, @RequestBody ExecRequest request) {
        ExecSpec spec = request.resolve();
        try (Entrances.Entrance entrance = entrances.enter(namespace)) {
            return ExecResponse.of(exec.run(entrance, spec), Output.or(request.output()));
        }
    }
}

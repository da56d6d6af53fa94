package dev.seahaven.exec.http;

import dev.seahaven.exec.ExecSpec;
import dev.seahaven.exec.NamespaceExec;
import dev.seahaven.namespace.life.Entrances;
import dev.seahaven.web.ClientWatch;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

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
    private final ClientWatch clients;

    NamespaceExecController(Entrances entrances, NamespaceExec exec, ClientWatch clients) {
        this.entrances = entrances;
        this.exec = exec;
        this.clients = clients;
    }

    @PostMapping(
            path = "/namespaces/{namespace}/exec",
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "execInNamespace",
            summary = "Run a program of the host inside of a namespace, as nsenter would",
            description =
                    "The mount namespace of a sandbox is entered with all of that sandbox, for the"
                        + " programs are the sandbox's. It ends when its client goes away, but for"
                        + " one that is detached or has an Idempotency-Key.")
    ExecResponse run(
            @PathVariable String namespace,
            @RequestBody ExecRequest request,
            HttpServletRequest http) {
        ExecSpec spec = request.resolve();
        try (Entrances.Entrance entrance = entrances.enter(namespace);
                ClientWatch.Watched client = clients.watch(http)) {
            return ExecResponse.of(
                    exec.run(entrance, spec, client::onGone), Output.or(request.output()));
        }
    }
}

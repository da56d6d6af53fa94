package dev.seahaven.exec;

import dev.seahaven.cgroup.Cgroups;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.namespace.NamespaceFinder;
import dev.seahaven.namespace.NamespaceService;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.SandboxSettings;
import dev.seahaven.syscall.Syscalls;

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

    private final NamespaceService namespaces;
    private final NamespaceExec exec;

    NamespaceExecController(
            Syscalls syscalls,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder finder,
            ProcRoot proc,
            NamespaceService namespaces,
            SandboxSettings settings) {
        this.namespaces = namespaces;
        this.exec =
                new NamespaceExec(
                        syscalls, launcher, cgroups, finder, proc, settings.captureLimitBytes());
    }

    @PostMapping(
            path = "/namespaces/{namespace}/exec",
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "execInNamespace",
            summary = "Run a program of the host inside of a namespace, as nsenter would")
    ExecResult run(@PathVariable String namespace, @RequestBody ExecRequest request) {
        ExecSpec spec = ExecSpec.resolve(request);
        try (NamespaceService.Entrance entrance = namespaces.enter(namespace)) {
            return exec.run(entrance, spec);
        }
    }
}

package dev.seahaven.isolation;

import dev.seahaven.namespace.NamespaceFinder;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.SandboxService;
import dev.seahaven.syscall.Syscalls;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping(produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "audit")
class IsolationController {

    private final Auditor auditor;

    IsolationController(
            Syscalls syscalls, ProcRoot proc, NamespaceFinder finder, SandboxService sandboxes) {
        this.auditor = new Auditor(syscalls, proc, finder, sandboxes.hardened());
    }

    @GetMapping("/sandboxes/{sandbox}/audit")
    @Operation(
            operationId = "auditSandbox",
            summary = "What lies between a sandbox and the kernel, and which doors are open")
    AuditResponse sandbox(@PathVariable String sandbox) {
        return auditor.sandbox(sandbox);
    }

    @GetMapping("/processes/{pid}/audit")
    @Operation(
            operationId = "auditProcess",
            summary = "The same for any process of the host, whoever started it")
    AuditResponse process(@PathVariable int pid) {
        return auditor.process(pid);
    }
}

package dev.seahaven.audit.http;

import dev.seahaven.audit.Auditor;

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
class AuditController {

    private final Auditor auditor;

    AuditController(Auditor auditor) {
        this.auditor = auditor;
    }

    @GetMapping("/sandboxes/{sandbox}/audit")
    @Operation(
            operationId = "auditSandbox",
            summary = "What lies between a sandbox and the kernel, and which doors are open")
    AuditResponse sandbox(@PathVariable String sandbox) {
        return AuditResponse.of(auditor.sandbox(sandbox));
    }

    @GetMapping("/processes/{pid}/audit")
    @Operation(
            operationId = "auditProcess",
            summary = "The same for any process of the host, whoever started it")
    AuditResponse process(@PathVariable int pid) {
        return AuditResponse.of(auditor.process(pid));
    }
}

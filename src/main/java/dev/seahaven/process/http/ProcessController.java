package dev.seahaven.process.http;

import dev.seahaven.namespace.life.HostScans;
import dev.seahaven.namespace.life.Namespaces;
import dev.seahaven.process.HostProcess;
import dev.seahaven.process.HostProcesses;
import dev.seahaven.web.EntityTag;
import dev.seahaven.web.Page;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.util.Locale;

@RestController
@RequestMapping(path = "/processes", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "processes")
class ProcessController {

    private final HostProcesses processes;
    private final HostScans scans;

    ProcessController(HostProcesses processes, Namespaces namespaces) {
        this.processes = processes;
        this.scans = namespaces.scans();
    }

    @GetMapping
    @Operation(operationId = "listProcesses", summary = "List the processes of the host, by number")
    Page<ProcessResponse.Summary> list(
            @Parameter(description = "Only those in this namespace: number, name or TYPE:NAME.")
                    @RequestParam
                    @Nullable String namespace,
            @RequestParam(defaultValue = Page.DEFAULT_LIMIT) int limit,
            @Parameter(description = "The next of the page before.") @RequestParam
                    @Nullable String after) {
        Long id = namespace == null ? null : scans.idOf(namespace);
        return Page.of(
                        scans.few(() -> processes.list(id)),
                        process -> String.format(Locale.ROOT, "%010d", process.pid()),
                        limit,
                        after)
                .map(ProcessResponse.Summary::of);
    }

    @GetMapping("/{pid}")
    @Operation(
            operationId = "getProcess",
            summary = "A process with its namespaces, and its ids in each of them")
    ResponseEntity<ProcessResponse> get(@PathVariable int pid) {
        HostProcess found = processes.get(pid);
        return ResponseEntity.ok().eTag(version(found)).body(ProcessResponse.of(found));
    }

    /** It does not change with what the process does: its state, and the number of threads. */
    private static String version(HostProcess process) {
        return EntityTag.of(
                process.pid(),
                process.startTicks(),
                process.parent(),
                process.command(),
                process.commandLine(),
                process.namespaces(),
                process.pids(),
                process.ids(),
                process.security(),
                process.cgroups());
    }
}

package dev.seahaven.process;

import dev.seahaven.namespace.NamespaceFinder;
import dev.seahaven.namespace.NamespaceService;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.web.Page;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
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
    private final NamespaceService namespaces;

    ProcessController(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            NamespaceService namespaces) {
        this.processes = new HostProcesses(syscalls, calls, proc, finder, namespaces);
        this.namespaces = namespaces;
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
        Long id = namespace == null ? null : namespaces.idOf(namespace);
        return Page.of(
                processes.list(id),
                process -> String.format(Locale.ROOT, "%010d", process.pid()),
                limit,
                after);
    }

    @GetMapping("/{pid}")
    @Operation(
            operationId = "getProcess",
            summary = "A process with its namespaces, and its ids in each of them")
    ProcessResponse get(@PathVariable int pid) {
        return processes.get(pid);
    }
}

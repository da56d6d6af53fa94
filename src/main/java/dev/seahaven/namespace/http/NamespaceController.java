package dev.seahaven.namespace.http;

import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.life.HostScans;
import dev.seahaven.namespace.life.NamespaceNames;
import dev.seahaven.namespace.life.NamespaceViews;
import dev.seahaven.namespace.life.Namespaces;
import dev.seahaven.namespace.life.SharedLook;
import dev.seahaven.namespace.names.Declared;
import dev.seahaven.namespace.scan.Holder;
import dev.seahaven.namespace.scan.HostNamespace;
import dev.seahaven.namespace.scan.HostNamespaces;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.namespace.scan.NamespaceGraph;
import dev.seahaven.namespace.view.NamespaceView;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.web.IfMatch;
import dev.seahaven.web.Page;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
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
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

import tools.jackson.databind.json.JsonMapper;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.stream.Stream;

@RestController
@RequestMapping(path = "/namespaces", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "namespaces")
class NamespaceController {

    private static final String DOT = "text/vnd.graphviz";

    private final HostScans scans;
    private final NamespaceNames names;
    private final NamespaceViews views;
    private final NamespaceFinder finder;
    private final GraphStream stream;
    private final JsonMapper json;
    private final SharedLook<Shown> graphs;

    NamespaceController(
            Namespaces namespaces, NamespaceFinder finder, GraphStream stream, JsonMapper json) {
        this.scans = namespaces.scans();
        this.names = namespaces.names();
        this.views = namespaces.views();
        this.finder = finder;
        this.stream = stream;
        this.json = json;
        this.graphs = scans.shared(this::show);
    }

    @GetMapping
    @Operation(
            operationId = "listNamespaces",
            summary = "List every namespace of the host, by number")
    Page<NamespaceResponse> list(
            @Parameter(description = "Only of this type.") @RequestParam @Nullable String type,
            @Parameter(description = "Only those that this process is in.") @RequestParam
                    @Nullable Integer pid,
            @Parameter(description = "Only those with a name, or only those without.") @RequestParam
                    @Nullable Boolean named,
            @RequestParam(defaultValue = Page.DEFAULT_LIMIT) int limit,
            @Parameter(description = "The next of the page before.") @RequestParam
                    @Nullable String after) {
        NamespaceType wanted = type(type);
        HostNamespaces all =
                Boolean.TRUE.equals(named) && pid == null ? scans.named() : scans.scan();
        var managers = scans.managers();
        Predicate<HostNamespace> fits =
                each ->
                        (wanted == null || each.type() == wanted)
                                && (pid == null || hasMember(each, pid))
                                && (named == null || named == (each.name() != null));
        List<NamespaceResponse> items =
                new ArrayList<>(
                        all.all().stream()
                                .filter(fits)
                                .flatMap(NamespaceController::byName)
                                .map(
                                        each ->
                                                NamespaceResponse.of(
                                                        each, managers.apply(each), false))
                                .toList());
        if (pid == null && !Boolean.FALSE.equals(named)) {
            all.stale().stream()
                    .filter(name -> wanted == null || name.type() == wanted)
                    .map(NamespaceResponse::stale)
                    .forEach(items::add);
        }
        return Page.of(items, NamespaceController::key, limit, after);
    }

    /** The stale ones come last. */
    private static String key(NamespaceResponse response) {
        return response.id() == null
                ? "~" + response.type() + ":" + response.name()
                : String.format(Locale.ROOT, "%020d", response.id())
                        + (response.name() == null ? "" : response.name());
    }

    /** Once for each of its names. */
    private static Stream<HostNamespace> byName(HostNamespace namespace) {
        return namespace.names().size() < 2
                ? Stream.of(namespace)
                : namespace.names().stream().map(namespace::calledBy);
    }

    private static boolean hasMember(HostNamespace namespace, int pid) {
        return namespace.holders().stream()
                .anyMatch(
                        holder ->
                                holder instanceof Holder.Member(int member, _, _) && member == pid);
    }

    private static @Nullable NamespaceType type(@Nullable String text) {
        return text == null
                ? null
                : NamespaceType.ofKernelName(text)
                        .orElseThrow(
                                () ->
                                        Problem.invalid(
                                                "type",
                                                "must be cgroup, ipc, mnt, net, pid, time, user or"
                                                        + " uts"));
    }

    @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "createNamespace",
            summary = "Create a persistent namespace, or give a name to one that exists")
    @ApiResponse(responseCode = "201", description = "It has the name.")
    ResponseEntity<NamespaceResponse> create(@RequestBody CreateNamespaceRequest request) {
        Declared asked = request.resolve();
        NamespaceResponse made =
                response(
                        request.adopt() == null
                                ? names.create(asked)
                                : names.adopt(asked, request.adopt().resolve()));
        return ResponseEntity.created(URI.create("/namespaces/" + made.type() + ":" + made.name()))
                .eTag(made.version())
                .body(made);
    }

    private NamespaceResponse response(HostNamespace namespace) {
        return NamespaceResponse.of(namespace, scans.managers().apply(namespace), true);
    }

    @GetMapping("/{namespace}")
    @Operation(operationId = "getNamespace", summary = "Inspect a namespace")
    ResponseEntity<NamespaceResponse> get(@PathVariable String namespace) {
        HostScans.Reference meant = scans.resolve(namespace);
        NamespaceResponse found =
                meant.id() == null && meant.name() != null
                        ? NamespaceResponse.stale(meant.name())
                        : response(scans.inspect(namespace).namespace());
        return ResponseEntity.ok().eTag(found.version()).body(found);
    }

    /** Why a namespace lives. */
    @Schema(name = "Holders")
    record Holders(
            List<Holder> items,
            @Schema(description = "False where not every holder can be seen.") boolean complete) {

        private static Holders of(HostNamespace namespace, HostNamespaces all) {
            return new Holders(
                    namespace.holders(), all.isComplete() && !namespace.holders().isEmpty());
        }
    }

    @DeleteMapping("/{namespace}")
    @Operation(
            operationId = "deleteNamespace",
            summary = "Take the name of a namespace away, and tell what still holds it")
    @ApiResponse(responseCode = "200", description = "It lives on, for these holders.")
    @ApiResponse(responseCode = "204", description = "It is gone.", content = @Content)
    ResponseEntity<Holders> delete(@PathVariable String namespace, IfMatch ifMatch) {
        return names.delete(
                        namespace,
                        found -> ifMatch.check("namespace " + namespace, response(found).version()))
                .map(left -> ResponseEntity.ok(Holders.of(left.namespace(), left.all())))
                .orElseGet(() -> ResponseEntity.noContent().build());
    }

    @GetMapping("/{namespace}/holders")
    @Operation(operationId = "getNamespaceHolders", summary = "What keeps a namespace alive")
    Holders holders(@PathVariable String namespace) {
        HostScans.Located found = scans.inspect(namespace);
        return Holders.of(found.namespace(), found.all());
    }

    @GetMapping("/{namespace}/view")
    @Operation(
            operationId = "viewNamespace",
            summary = "How the world looks from inside of a namespace")
    NamespaceView view(@PathVariable String namespace) {
        HostScans.Located found = scans.locate(namespace);
        return views.view(found.all(), found.namespace());
    }

    @GetMapping("/{namespace}/compare")
    @Operation(
            operationId = "compareNamespaces",
            summary = "Two views side by side, and what differs")
    Comparison compare(
            @PathVariable String namespace,
            @Parameter(description = "host, or the number or name of another of the same type.")
                    @RequestParam(defaultValue = "host")
                    String with) {
        HostScans.Located here = scans.locate(namespace);
        NamespaceType type = here.namespace().type();
        HostScans.Located there = with.equals("host") ? host(type) : other(type, with);
        if (type != there.namespace().type()) {
            throw Problem.invalid(
                    "with",
                    "is of type "
                            + there.namespace().type().kernelName()
                            + ", not "
                            + type.kernelName());
        }
        return Comparison.of(
                json,
                views.view(here.all(), here.namespace()),
                views.view(there.all(), there.namespace()));
    }

    private HostScans.Located host(NamespaceType type) {
        return finder.hosts(type)
                .map(link -> scans.locate(Long.toString(link.id())))
                .orElseThrow(() -> Problem.notFound("namespace", "host"));
    }

    /** A name means the one of the same type, where there is one. */
    private HostScans.Located other(NamespaceType type, String with) {
        try {
            return scans.locate(with);
        } catch (Problem e) {
            if (e.type() == ProblemType.AMBIGUOUS_NAME) {
                return scans.locate(type.kernelName() + ":" + with);
            }
            throw e;
        }
    }

    @GetMapping(path = "/graph", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "getNamespaceGraph",
            summary = "The whole host as one graph; also as DOT, and as a stream of changes")
    @ApiResponse(
            responseCode = "200",
            content = {
                @Content(
                        mediaType = MediaType.APPLICATION_JSON_VALUE,
                        schema = @Schema(implementation = NamespaceGraph.class)),
                @Content(mediaType = DOT, schema = @Schema(implementation = String.class)),
                @Content(
                        mediaType = MediaType.TEXT_EVENT_STREAM_VALUE,
                        schema = @Schema(implementation = String.class))
            })
    ResponseEntity<byte[]> graph() {
        return ResponseEntity.ok(graphs.get().json);
    }

    /** What all who ask for the graph at a time share. */
    private record Shown(NamespaceGraph graph, byte[] json) {}

    private Shown show() {
        NamespaceGraph graph = NamespaceGraph.of(scans.scan(), scans.managers());
        return new Shown(graph, json.writeValueAsBytes(graph));
    }

    @GetMapping(path = "/graph", produces = DOT)
    @Operation(operationId = "getNamespaceGraphAsDot", hidden = true)
    ResponseEntity<String> dot() {
        return ResponseEntity.status(HttpStatus.OK)
                .contentType(MediaType.parseMediaType(DOT))
                .body(graphs.get().graph.dot());
    }

    @GetMapping(path = "/graph", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    @Operation(operationId = "followNamespaceGraph", hidden = true)
    SseEmitter follow() {
        return stream.open();
    }
}

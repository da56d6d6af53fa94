package dev.seahaven.testing;

import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;

import org.yaml.snakeyaml.Yaml;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The operations of openapi/openapi.yaml, and whether answers are as it tells. */
public final class Description {

    /** What a client acts on; the others are every web server's. */
    private static final Set<String> MEANT =
            Set.of(
                    "etag",
                    "location",
                    "retry-after",
                    "allow",
                    "www-authenticate",
                    "accept-patch",
                    "idempotency-replayed");

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final JsonNode document;
    private final SchemaRegistry schemas =
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    private final Map<JsonNode, Schema> compiled = new HashMap<>();

    /**
     * @param method in upper case
     * @param path a template
     */
    public record Operation(String method, String path, JsonNode definition) {

        /** Its operationId. */
        public String id() {
            return definition.path("operationId").asString();
        }

        /** Whether it has a parameter of this name in the path, the query or the headers. */
        public boolean takes(String place, String name) {
            return definition
                    .path("parameters")
                    .valueStream()
                    .anyMatch(
                            parameter ->
                                    parameter.path("in").asString().equals(place)
                                            && parameter.path("name").asString().equals(name));
        }
    }

    private Description(JsonNode document) {
        this.document = document;
    }

    public static Description read() {
        Object yaml = new Yaml().load(Outside.read("openapi/openapi.yaml"));
        return new Description(JSON.valueToTree(yaml));
    }

    /** One that is not in that file, such as the daemon's own. */
    public static Description of(JsonNode document) {
        return new Description(document);
    }

    public List<Operation> operations() {
        List<Operation> found = new ArrayList<>();
        for (Map.Entry<String, JsonNode> path : document.path("paths").properties()) {
            for (Map.Entry<String, JsonNode> each : path.getValue().properties()) {
                found.add(
                        new Operation(
                                each.getKey().toUpperCase(Locale.ROOT),
                                path.getKey(),
                                each.getValue()));
            }
        }
        return found;
    }

    /** What a reference stands for; anything else is itself. */
    public JsonNode resolve(JsonNode node) {
        String reference = node.path("$ref").asString("");
        return reference.isEmpty() ? node : resolve(document.at(reference.substring(1)));
    }

    /**
     * What the description does not tell of the headers of an answer, by their lower case names.
     */
    public List<String> untoldHeaders(Operation operation, int status, Set<String> names) {
        JsonNode response = resolve(operation.definition.path("responses").path("" + status));
        Set<String> told = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
        told.addAll(response.path("headers").propertyNames());
        return names.stream()
                .filter(MEANT::contains)
                .filter(name -> !told.contains(name))
                .map(name -> status + " with the header " + name)
                .toList();
    }

    /** What the description does not tell of an answer. */
    public List<String> untold(Operation operation, int status, String contentType, String body) {
        JsonNode response = resolve(operation.definition.path("responses").path("" + status));
        if (response.isMissingNode()) {
            return List.of("the status " + status);
        }
        if (body.isEmpty()) {
            return List.of();
        }
        String type = contentType.replaceAll(";.*", "").trim();
        JsonNode content = response.path("content").path(type);
        if (content.isMissingNode()) {
            return List.of(status + " as '" + type + "'");
        }
        if (!type.endsWith("json") || content.path("schema").isMissingNode()) {
            return List.of();
        }
        List<String> untold = new ArrayList<>();
        for (Error error :
                schema(content.path("schema")).validate(withoutNulls(JSON.readTree(body)))) {
            untold.add(status + ": " + error);
        }
        return untold;
    }

    private Schema schema(JsonNode schema) {
        return compiled.computeIfAbsent(
                schema,
                each -> {
                    ObjectNode whole = JSON.createObjectNode();
                    whole.setAll((ObjectNode) each);
                    whole.set("components", document.path("components"));
                    return schemas.getSchema(whole);
                });
    }

    /** A member that is null and one that is absent mean the same. */
    private static JsonNode withoutNulls(JsonNode node) {
        if (node.isObject()) {
            ObjectNode without = JSON.createObjectNode();
            for (Map.Entry<String, JsonNode> each : node.properties()) {
                if (!each.getValue().isNull()) {
                    without.set(each.getKey(), withoutNulls(each.getValue()));
                }
            }
            return without;
        }
        if (node.isArray()) {
            var without = JSON.createArrayNode();
            node.forEach(each -> without.add(withoutNulls(each)));
            return without;
        }
        return node;
    }
}

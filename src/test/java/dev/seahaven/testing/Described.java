package dev.seahaven.testing;

import static org.assertj.core.api.Assertions.assertThat;

import org.yaml.snakeyaml.Yaml;

import java.net.http.HttpRequest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/** What openapi/openapi.yaml says of operations: each problem that any test meets is told there. */
final class Described {

    private record Operation(String method, String path, Map<?, ?> responses) {
        boolean takes(HttpRequest request) {
            String pattern = path.replace(".", "\\.").replaceAll("\\{[^}]*}", "[^/]+");
            return request.method().toLowerCase(Locale.ROOT).equals(method)
                    && Pattern.matches(pattern, request.uri().getRawPath());
        }
    }

    private static final List<Operation> OPERATIONS = read();

    private Described() {}

    private static List<Operation> read() {
        Map<?, ?> description = new Yaml().load(Outside.read("openapi/openapi.yaml"));
        List<Operation> found = new ArrayList<>();
        for (Map.Entry<?, ?> path : at(description, "paths").entrySet()) {
            for (Map.Entry<?, ?> method : ((Map<?, ?>) path.getValue()).entrySet()) {
                Map<?, ?> responses = at((Map<?, ?>) method.getValue(), "responses");
                found.add(
                        new Operation(
                                method.getKey().toString(), path.getKey().toString(), responses));
            }
        }
        // What is named is meant before what is anything.
        found.sort(Comparator.comparing(operation -> operation.path().contains("{")));
        return found;
    }

    private static Map<?, ?> at(Map<?, ?> node, String key) {
        return (Map<?, ?>) Objects.requireNonNull(node.get(key), key);
    }

    static void check(HttpRequest request, Api.Answer answer) {
        boolean problem =
                answer.raw()
                        .headers()
                        .firstValue("Content-Type")
                        .orElse("")
                        .startsWith("application/problem+json");
        if (!problem) {
            return;
        }
        for (Operation operation : OPERATIONS) {
            if (operation.takes(request)) {
                assertThat(at(operation.responses(), "" + answer.status()).get("description"))
                        .as("the description of what " + request + " answers")
                        .asString()
                        .contains(answer.json().path("type").asString() + ": ");
                return;
            }
        }
    }
}

package dev.seahaven.namespace.http;

import dev.seahaven.namespace.view.NamespaceView;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** Two views side by side, and what differs. */
@Schema(name = "NamespaceComparison")
record Comparison(
        boolean same, NamespaceView view, NamespaceView with, List<Difference> differences) {

    /**
     * @param path members and places, such as {@code interfaces/0/mtu}
     * @param here absent where only the other has it
     */
    @Schema(name = "NamespaceDifference")
    record Difference(
            String path,
            @Schema(type = "object") @Nullable JsonNode here,
            @Schema(type = "object") @Nullable JsonNode there) {}

    static Comparison of(JsonMapper json, NamespaceView view, NamespaceView with) {
        List<Difference> differences = new ArrayList<>();
        compare("", json.valueToTree(view), json.valueToTree(with), differences);
        return new Comparison(differences.isEmpty(), view, with, differences);
    }

    private static void compare(
            String path, JsonNode here, JsonNode there, List<Difference> differences) {
        if (here.equals(there)) {
            return;
        }
        if (here.isObject() && there.isObject()) {
            TreeSet<String> names = new TreeSet<>(here.propertyNames());
            names.addAll(there.propertyNames());
            for (String name : names) {
                compare(join(path, name), here.path(name), there.path(name), differences);
            }
        } else if (here.isArray() && there.isArray()) {
            for (int i = 0; i < Math.max(here.size(), there.size()); i++) {
                compare(join(path, Integer.toString(i)), here.path(i), there.path(i), differences);
            }
        } else {
            differences.add(new Difference(path, present(here), present(there)));
        }
    }

    private static String join(String path, String name) {
        return path.isEmpty() ? name : path + "/" + name;
    }

    private static @Nullable JsonNode present(JsonNode node) {
        return node.isMissingNode() ? null : node;
    }
}

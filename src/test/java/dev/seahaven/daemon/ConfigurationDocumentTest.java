package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The table in docs/configuration.md is made from the code. */
class ConfigurationDocumentTest {

    private static final String BEGIN = "<!-- generated -->\n";
    private static final String END = "<!-- end -->";

    private static final Map<String, String> UNITS =
            Map.of(
                    "org.springframework.util.unit.DataSize",
                    "size (B, KB, MB, GB, TB)",
                    "java.time.Duration",
                    "time (ms, s, m, h)",
                    "java.lang.Boolean",
                    "true, false",
                    "java.lang.Long",
                    "number",
                    "java.nio.file.Path",
                    "path",
                    "java.lang.String",
                    "text",
                    "java.util.Set<java.lang.String>",
                    "list");

    /** With {@code -Dconfiguration.write} it writes the file instead. */
    @Test
    void theTableIsWhatTheCodeSays() throws Exception {
        JsonNode metadata =
                new JsonMapper()
                        .readTree(
                                Path.of(
                                                "target/classes/META-INF/spring-configuration-metadata.json")
                                        .toFile());
        List<String> rows = new ArrayList<>();
        for (JsonNode property : metadata.path("properties")) {
            String type = property.path("type").asString();
            assertThat(UNITS).containsKey(type);
            String description =
                    property.path("description").asString().replaceAll("\\{@code ([^}]*)}", "`$1`");
            assertThat(description).as(property.toString()).isNotBlank();
            JsonNode value = property.path("defaultValue");
            String text =
                    value.isArray()
                            ? String.join(
                                    ", ", value.valueStream().map(JsonNode::asString).toList())
                            : value.asString("");
            rows.add(
                    "| `%s` | %s | %s | %s |\n"
                            .formatted(
                                    property.path("name").asString(),
                                    text.isEmpty() ? "none" : "`" + text + "`",
                                    UNITS.get(type),
                                    description));
        }
        String table =
                "| property | default | unit | what, and its range |\n|---|---|---|---|\n"
                        + String.join("", rows.stream().sorted().toList());
        Path document = Path.of("docs/configuration.md");
        String before = Files.readString(document);
        String after =
                before.substring(0, before.indexOf(BEGIN) + BEGIN.length())
                        + table
                        + before.substring(before.indexOf(END));
        if (System.getProperty("configuration.write") != null) {
            Files.writeString(document, after);
        }
        assertThat(document).content().isEqualTo(after);
    }
}

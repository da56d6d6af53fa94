package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.util.unit.DataSize;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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

    private static SeahavenProperties bind(String name, String value) {
        return new Binder(new MapConfigurationPropertySource(Map.of(name, value)))
                .bind("seahaven", SeahavenProperties.class)
                .get();
    }

    private static String beside(String type, String bound, int by) {
        return switch (type) {
            case "org.springframework.util.unit.DataSize" ->
                    DataSize.parse(bound).toBytes() + by + "B";
            case "java.time.Duration" ->
                    DurationStyle.detectAndParse(bound).plusMillis(by).toMillis() + "ms";
            default -> Long.toString(Long.parseLong(bound) + by);
        };
    }

    /** The bounds that the table tells are those that are held. */
    @Test
    void aValueOutOfItsRangeIsRefusedByName() throws Exception {
        int ranges = 0;
        for (JsonNode property : metadata()) {
            String name = property.path("name").asString();
            String type = property.path("type").asString();
            Matcher range =
                    Pattern.compile("From (\\w+)\\b.* to (\\w+)")
                            .matcher(property.path("description").asString());
            if (!List.of("java.lang.Boolean", "java.lang.String", "java.nio.file.Path")
                            .contains(type)
                    && !type.startsWith("java.util.Set")) {
                assertThat(range.find()).as("range of " + name).isTrue();
                ranges++;
                bind(name, range.group(1));
                bind(name, range.group(2));
                for (String out :
                        List.of(
                                beside(type, range.group(1), -1),
                                beside(type, range.group(2), 1))) {
                    assertThatThrownBy(() -> bind(name, out)).hasStackTraceContaining(name);
                }
            }
        }
        assertThat(ranges).isGreaterThan(5);
    }

    @ParameterizedTest
    @CsvSource({
        "seahaven.cgroup, ../x",
        "seahaven.cgroup, a/b",
        "seahaven.run-directory, run",
        "seahaven.state-directory, ./state",
        "seahaven.group, a:b",
        "seahaven.allowed-hosts, localhost:8080",
        "seahaven.allowed-origins, example.org",
        "seahaven.policy.allow-privileged, perhaps",
    })
    void whatHasNoBoundsHasAForm(String name, String value) {
        assertThatThrownBy(() -> bind(name, value)).hasStackTraceContaining(name);
    }

    private static JsonNode metadata() {
        return new JsonMapper()
                .readTree(
                        Path.of("target/classes/META-INF/spring-configuration-metadata.json")
                                .toFile())
                .path("properties");
    }

    /** With {@code -Dconfiguration.write} it writes the file instead. */
    @Test
    void theTableIsWhatTheCodeSays() throws Exception {
        List<String> rows = new ArrayList<>();
        for (JsonNode property : metadata()) {
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

package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.yaml.snakeyaml.Yaml;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Alerts and dashboard ask for metrics, labels and values that there are. */
@ExtendWith(NothingLeft.class)
class MonitoringIT {

    private static final Pattern NAME =
            Pattern.compile("\\b((?:seahaven|http|jvm|process)_[a-z0-9_]+)(?:\\{([^}]*)})?");
    private static final Pattern LABEL = Pattern.compile("([a-z]+)\\s*(?:=|!=|=~|!~)\\s*\"");

    /** Given by the scraper, not by us. */
    private static final Set<String> SCRAPED = Set.of("job", "instance");

    private final Api api = TestDaemon.shared().api();

    private String metrics() {
        api.shell("true");
        api.post(
                "/runs",
                """
                {"command": ["/nonexistent/program"]}
                """);
        api.post(
                "/runs",
                """
                {"command": ["tail", "/dev/zero"], "limits": {"memoryBytes": 16777216}}
                """);
        return api.get("/actuator/prometheus").expect(200).text();
    }

    private static List<String> alerts() throws Exception {
        Object file = new Yaml().load(Files.readString(Path.of("monitoring/alerts.yaml")));
        JsonNode groups = new JsonMapper().<JsonNode>valueToTree(file).path("groups");
        List<String> expressions = new ArrayList<>();
        for (JsonNode rule :
                groups.valueStream().flatMap(each -> each.path("rules").valueStream()).toList()) {
            for (String member : List.of("alert", "expr", "for", "labels", "annotations")) {
                assertThat(rule.has(member)).as(member + " of " + rule).isTrue();
            }
            expressions.add(rule.path("expr").asString());
        }
        return expressions;
    }

    private static List<String> panels() throws Exception {
        JsonNode dashboard = new JsonMapper().readTree(Path.of("monitoring/grafana.json").toFile());
        return dashboard
                .path("panels")
                .valueStream()
                .flatMap(panel -> panel.path("targets").valueStream())
                .map(target -> target.path("expr").asString())
                .toList();
    }

    @Test
    void whatIsAskedForExists() throws Exception {
        String metrics = metrics();
        List<String> expressions = new ArrayList<>(alerts());
        expressions.addAll(panels());
        assertThat(expressions).hasSizeGreaterThan(15);
        for (String expression : expressions) {
            for (MatchResult found : NAME.matcher(expression).results().toList()) {
                String name = found.group(1);
                List<String> series =
                        metrics.lines()
                                .filter(
                                        line ->
                                                line.startsWith(name + "{")
                                                        || line.startsWith(name + " "))
                                .toList();
                assertThat(series).as("series of " + name + " in " + expression).isNotEmpty();
                String labels = found.group(2) == null ? "" : found.group(2);
                for (MatchResult label : LABEL.matcher(labels).results().toList()) {
                    if (!SCRAPED.contains(label.group(1))) {
                        assertThat(series.getFirst()).contains(label.group(1) + "=\"");
                    }
                }
            }
        }
        Set<String> phases =
                Pattern.compile("phase=\"([a-z]+)\"")
                        .matcher(metrics)
                        .results()
                        .map(found -> found.group(1))
                        .collect(Collectors.toSet());
        assertThat(phases).contains("total");
        assertThat(metrics).contains("reason=\"out-of-memory\"");
    }
}

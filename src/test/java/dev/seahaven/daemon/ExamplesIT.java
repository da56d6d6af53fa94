package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.net.http.HttpRequest.BodyPublishers;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What the description shows is what the daemon does. */
@ExtendWith(NothingLeft.class)
class ExamplesIT {

    private record Place(String method, String path, JsonNode operation) {}

    private final Api api = TestDaemon.shared().api();
    private final JsonNode description = api.get("/v3/api-docs").expect(200).json();

    private Place find(String id) {
        for (Map.Entry<String, JsonNode> path : description.path("paths").properties()) {
            for (Map.Entry<String, JsonNode> method : path.getValue().properties()) {
                if (method.getValue().path("operationId").asString().equals(id)) {
                    return new Place(method.getKey(), path.getKey(), method.getValue());
                }
            }
        }
        throw new AssertionError("no operation has the id " + id);
    }

    private static String fill(Place place, ApiExample example) {
        String path = place.path();
        StringBuilder query = new StringBuilder();
        for (Map.Entry<String, String> each : example.with().entrySet()) {
            if (path.contains("{" + each.getKey() + "}")) {
                path = path.replace("{" + each.getKey() + "}", each.getValue());
            } else {
                query.append(query.isEmpty() ? "?" : "&")
                        .append(each.getKey())
                        .append("=")
                        .append(each.getValue());
            }
        }
        return path + query;
    }

    /**
     * The answer has the members that the example has; what it has more is null, which means the
     * same as absent. A linter holds the example against its schema.
     */
    private static void same(Api.Answer answer, JsonNode response) {
        JsonNode content = response.path("content");
        if (content.isEmpty()) {
            assertThat(answer.text()).isEmpty();
            return;
        }
        JsonNode shown = content.iterator().next().path("example");
        assertThat(shown.isMissingNode()).as(response.toString()).isFalse();
        if (shown.isString()) {
            assertThat(answer.text()).isEqualTo(shown.asString());
        } else {
            Set<String> told = new TreeSet<>();
            answer.json()
                    .properties()
                    .forEach(
                            member -> {
                                if (!member.getValue().isNull() || shown.has(member.getKey())) {
                                    told.add(member.getKey());
                                }
                            });
            assertThat(told)
                    .as(answer.text())
                    .containsExactlyInAnyOrderElementsOf(shown.propertyNames());
        }
    }

    /** The run that the story lists and ends. */
    private void runEndless() {
        api.post(
                "/runs",
                """
                {"name": "endless", "labels": {"purpose": "endless"}, "command": ["sleep", "1000"]}
                """);
    }

    @Test
    void everyExampleDoesWhatItSaysAndEveryOperationHasOne() throws Exception {
        JsonMapper json = new JsonMapper();
        Thread endless = Thread.ofVirtual().start(this::runEndless);
        List<ApiExample> story = ApiExample.all(json);
        Set<String> shown = new HashSet<>();
        await().until(() -> api.get("/runs").expect(200).json().path("total").asInt() > 0);
        for (ApiExample example : story) {
            Place place = find(example.operation());
            String body = example.body() == null ? "" : json.writeValueAsString(example.body());
            Api.Answer answer =
                    api.send(
                            api.request(fill(place, example))
                                    .header("Content-Type", "application/json")
                                    .method(
                                            place.method().toUpperCase(java.util.Locale.ROOT),
                                            BodyPublishers.ofString(body)));
            assertThat(answer.status())
                    .as(example + ": " + answer.text())
                    .isEqualTo(example.status());
            assertThat(place.operation().path("responses").has("" + example.status()))
                    .as(example.operation() + " documents " + example.status())
                    .isTrue();
            if (shown.add(example.operation())) {
                same(answer, place.operation().path("responses").path("" + example.status()));
            }
        }
        endless.join();
        for (Map.Entry<String, JsonNode> path : description.path("paths").properties()) {
            for (JsonNode operation : path.getValue()) {
                String id = operation.path("operationId").asString();
                assertThat(shown).contains(id);
                assertThat(operation.path("summary").asString()).as(id).isNotBlank();
                assertThat(operation.path("responses").has("401")).as(id).isTrue();
                assertThat(operation.has("requestBody"))
                        .as(id)
                        .isEqualTo(
                                operation.path("requestBody").toString().contains("\"examples\""));
            }
        }
    }
}

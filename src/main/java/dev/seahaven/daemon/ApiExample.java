package dev.seahaven.daemon;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A request that stands in the description of the API. In their order they are a story, which a
 * test plays: each needs what those before it made.
 *
 * @param operation its id
 * @param with values of parameters in path and query
 * @param body null for none
 * @param status of the answer
 */
record ApiExample(
        String operation,
        @Nullable String summary,
        Map<String, String> with,
        @Nullable Object body,
        int status) {

    ApiExample(
            String operation,
            @Nullable String summary,
            @Nullable Map<String, String> with,
            @Nullable Object body,
            int status) {
        this.operation = operation;
        this.summary = summary;
        this.with = with == null ? Map.of() : with;
        this.body = body;
        this.status = status;
    }

    static List<ApiExample> all(JsonMapper json) throws IOException {
        return List.of(json.readValue(resource("/examples.json"), ApiExample[].class));
    }

    /** What each operation answers to its first example, shortened, by the operation's id. */
    static Map<String, Object> answers(JsonMapper json) throws IOException {
        return json.readValue(resource("/answers.json"), new TypeReference<>() {});
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream file =
                Objects.requireNonNull(ApiExample.class.getResourceAsStream(name))) {
            return file.readAllBytes();
        }
    }
}

package dev.seahaven.testing;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;

/** A client of the API, by TCP with the token. */
public final class Api {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final int port;
    private final String token;

    public Api(int port, String token) {
        this.port = port;
        this.token = token;
    }

    public String base() {
        return "http://127.0.0.1:" + port;
    }

    public String token() {
        return token;
    }

    /** An answer; {@code json} is missing where the body is none. */
    public record Answer(int status, String text, HttpResponse<byte[]> raw) {

        public JsonNode json() {
            return JSON.readTree(text);
        }

        /** How the sandbox that was answered has ended. */
        public JsonNode exit() {
            return json().path("state").path("exit");
        }

        /** The answer, if it has this status; else the test fails with what it says. */
        public Answer expect(int expected) {
            assertThat(status).as(text).isEqualTo(expected);
            return this;
        }

        /** A problem of this type that names a field. */
        public Answer expectViolation(String field) {
            expect(400);
            assertThat(json().path("type").asString()).isEqualTo("/problems/invalid-request");
            assertThat(json().path("violations").valueStream().map(v -> v.path("field").asString()))
                    .as(text)
                    .contains(field);
            return this;
        }

        public Answer expectProblem(int expected, String type) {
            expect(expected);
            assertThat(raw.headers().firstValue("Content-Type").orElse(""))
                    .startsWith("application/problem+json");
            assertThat(json().path("type").asString()).isEqualTo("/problems/" + type);
            assertThat(json().path("status").asInt()).isEqualTo(expected);
            assertThat(json().path("detail").asString()).isNotBlank();
            return this;
        }

        public String header(String name) {
            return raw.headers().firstValue(name).orElse("");
        }
    }

    public Answer get(String path) {
        return send(request(path).GET());
    }

    public Answer post(String path) {
        return send(request(path).POST(HttpRequest.BodyPublishers.noBody()));
    }

    public Answer post(String path, String json) {
        return send(
                request(path)
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    /** A merge patch. */
    public Answer patch(String path, String json) {
        return send(
                request(path)
                        .method("PATCH", HttpRequest.BodyPublishers.ofString(json))
                        .header("Content-Type", "application/merge-patch+json"));
    }

    public Answer delete(String path) {
        return send(request(path).DELETE());
    }

    public HttpRequest.Builder request(String path) {
        return withoutToken(path).header("Authorization", "Bearer " + token);
    }

    public HttpRequest.Builder withoutToken(String path) {
        return HttpRequest.newBuilder(URI.create(base() + path));
    }

    public Answer send(HttpRequest.Builder request) {
        try {
            HttpResponse<byte[]> response =
                    HTTP.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            Answer answer =
                    new Answer(
                            response.statusCode(),
                            new String(response.body(), StandardCharsets.UTF_8),
                            response);
            Described.check(response.request(), answer);
            return answer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Creates a sandbox and returns its id. */
    public String create(String json) {
        return post("/sandboxes", json).expect(201).json().path("id").asString();
    }

    /** Runs a shell command with all defaults; it must succeed. Returns what it wrote. */
    public String shell(String command) {
        JsonNode result =
                post("/runs", "{\"command\":[\"/bin/sh\",\"-c\"," + quoted(command) + "]}")
                        .expect(200)
                        .json();
        assertThat(result.path("exit").path("exitCode").asInt()).as(result.toString()).isEqualTo(0);
        return result.path("stdout").asString();
    }

    public int pid(String sandbox) {
        return get("/sandboxes/" + sandbox).expect(200).json().path("state").path("pid").asInt();
    }

    public void destroy(String sandbox) {
        delete("/sandboxes/" + sandbox + "?force=true").expect(204);
    }

    public static String quoted(@Nullable String text) {
        return JSON.writeValueAsString(text);
    }

    public int port() {
        return port;
    }
}

package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.Description;
import dev.seahaven.testing.Description.Operation;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.RawHttp;
import dev.seahaven.testing.TestDaemon;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.RandomGenerator;
import net.jqwik.api.Tuple;
import net.jqwik.api.sessions.JqwikSession;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Walks the description with generated requests: none is answered with a fault of the daemon's, and
 * each answer is one that the description tells.
 */
@ExtendWith(NothingLeft.class)
class FuzzIT {

    private static final int REQUESTS = Integer.getInteger("fuzz.requests", 3000);
    private static final long SEED = Long.getLong("fuzz.seed", System.nanoTime() & 0xffffff);

    private static final List<String> ODD =
            List.of(
                    "",
                    "%",
                    "%ff",
                    "%00",
                    "0",
                    "-1",
                    "1e400",
                    "99999999999999999999",
                    "2147483648",
                    "null",
                    "true",
                    "..",
                    "a/b",
                    ";",
                    "ü",
                    "٣",
                    "\ud800",
                    "\n",
                    "*",
                    "graph",
                    "a,b=c",
                    "x".repeat(5000));

    /** Nothing that these do outlives the request, whatever they are run in. */
    private static final List<List<String>> COMMANDS =
            List.of(List.of("true"), List.of("/bin/echo", "x"), List.of("/nonexistent"), List.of());

    private final Api api = TestDaemon.shared().api();
    private final Description description = Description.read();
    private final Random random = new Random(SEED);
    private final RandomGenerator<String> texts = texts().generator(1000, true);
    private final RandomGenerator<Long> numbers = Arbitraries.longs().generator(1000, true);

    @BeforeAll
    static void start() {
        JqwikSession.start();
    }

    @AfterAll
    static void finish() {
        JqwikSession.finish();
    }

    @Test
    void noRequestIsAFaultAndEachAnswerIsDescribed() throws Exception {
        try {
            Map<String, Integer> faults = new TreeMap<>();
            String sandbox = api.create("{\"command\":[\"sleep\",\"1000\"],\"name\":\"fuzzed\"}");
            List<String> references =
                    new ArrayList<>(List.of(sandbox, "fuzzed", "1", "4026531840"));
            List<Operation> operations = description.operations();
            for (int i = 0; i < REQUESTS; i++) {
                one(operations.get(random.nextInt(operations.size())), references)
                        .forEach(fault -> faults.merge(fault, 1, Integer::sum));
            }
            assertThat(faults).as("seed " + SEED).isEmpty();
        } finally {
            clear();
        }
    }

    /** So that the other test can fail. */
    @Test
    void whatIsNotDescribedIsFound() {
        Operation run =
                description.operations().stream()
                        .filter(
                                each ->
                                        each.definition()
                                                .path("operationId")
                                                .asString()
                                                .equals("run"))
                        .findFirst()
                        .orElseThrow();
        String json = "application/json";
        assertThat(description.untold(run, 299, json, "{}")).isNotEmpty();
        assertThat(description.untold(run, 200, "text/html", "<p>")).isNotEmpty();
        assertThat(description.untoldHeaders(run, 200, Set.of("location"))).isNotEmpty();
        assertThat(description.untold(run, 200, json, "{\"exit\":7}")).isNotEmpty();
        assertThat(description.untold(run, 200, json, "{\"exit\":{\"exitCode\":7}}")).isEmpty();
    }

    @Test
    void whoWritesAllBeforeHeReadsIsToldThatItIsTooMuch() throws Exception {
        List<String> headers =
                List.of("Authorization: Bearer " + api.token(), "Content-Type: application/json");
        for (int i = 0; i < 5; i++) {
            assertThat(
                            RawHttp.send(api.port(), "POST", "/runs", headers, new byte[30 << 20])
                                    .status())
                    .isEqualTo(413);
        }
    }

    private void clear() {
        TestDaemon.shared().destroyAll();
        for (JsonNode each : api.get("/namespaces?named=true&limit=1000").json().path("items")) {
            if (each.path("manager").path("name").asString("").equals("seahaven")) {
                api.delete(
                        "/namespaces/"
                                + each.path("type").asString()
                                + ":"
                                + encoded(each.path("name").asString()));
            }
        }
    }

    private static Arbitrary<String> texts() {
        return Arbitraries.frequencyOf(
                Tuple.of(3, Arbitraries.of(ODD)),
                Tuple.of(2, Arbitraries.strings().all().ofMaxLength(20)),
                Tuple.of(2, Arbitraries.strings().ascii().ofMaxLength(20)),
                Tuple.of(3, Arbitraries.strings().withCharRange('a', 'z').ofLength(8)));
    }

    private List<String> one(Operation operation, List<String> references) throws IOException {
        if (operation.path().endsWith("/wait")) {
            return List.of(); // it waits
        }
        boolean json = operation.definition().has("requestBody");
        String target = target(operation, references);
        String body = json ? body(operation) : "";
        List<String> headers = headers(operation, json);
        RawHttp.Answer answer;
        try {
            answer =
                    RawHttp.send(
                            api.port(),
                            operation.method(),
                            target,
                            headers,
                            body.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            return List.of(operation.method() + " " + operation.path() + ": " + e + " " + target);
        }
        return faults(operation, answer).stream()
                .map(
                        fault ->
                                operation.method()
                                        + " "
                                        + operation.path()
                                        + ": "
                                        + fault
                                        + example(target, body, answer))
                .toList();
    }

    private static String example(String target, String body, RawHttp.Answer answer) {
        return answer.status() < 500
                ? ""
                : " for "
                        + target
                        + " "
                        + contentType(answer)
                        + " "
                        + body
                        + " -> "
                        + answer.body();
    }

    private static String contentType(RawHttp.Answer answer) {
        return answer.headers().getOrDefault("content-type", "");
    }

    private List<String> faults(Operation operation, RawHttp.Answer answer) {
        boolean kernels = answer.body().contains("\"/problems/kernel-refused\"");
        int status = answer.status();
        if (status >= 500 && status != 501 && status != 503 && !kernels) {
            return List.of("" + status);
        }
        List<String> untold =
                new ArrayList<>(
                        description.untold(operation, status, contentType(answer), answer.body()));
        untold.addAll(description.untoldHeaders(operation, status, answer.headers().keySet()));
        return untold;
    }

    // ---------------------------------------------------------------- requests

    private String target(Operation operation, List<String> references) {
        StringBuilder target = new StringBuilder();
        for (String part : operation.path().substring(1).split("/")) {
            target.append('/');
            if (!part.startsWith("{")) {
                target.append(part);
            } else if (once(3)) {
                target.append(encoded(text()));
            } else {
                target.append(references.get(random.nextInt(references.size())));
            }
        }
        char separator = '?';
        for (JsonNode each : operation.definition().path("parameters")) {
            JsonNode parameter = description.resolve(each);
            if (!parameter.path("in").asString().equals("query") || !once(2)) {
                continue;
            }
            String name = parameter.path("name").asString();
            if (name.equals("follow")) {
                continue; // it waits
            }
            int times = once(8) ? 2 : 1;
            for (int i = 0; i < times; i++) {
                target.append(separator).append(name).append('=');
                target.append(once(8) ? "%" : encoded(plain(parameter.path("schema"))));
                separator = '&';
            }
        }
        return target.toString();
    }

    private String plain(JsonNode schema) {
        Object value = value("", schema, 3);
        return value instanceof String text ? text : json(value);
    }

    /** Once in so many times. */
    private boolean once(int times) {
        return random.nextInt(times) == 0;
    }

    private List<String> headers(Operation operation, boolean json) {
        List<String> headers = new ArrayList<>();
        if (!once(40)) {
            headers.add("Authorization: Bearer " + api.token());
        }
        if (json) {
            JsonNode content = operation.definition().path("requestBody").path("content");
            String usual = content.propertyNames().iterator().next();
            headers.add(
                    "Content-Type: "
                            + (once(12)
                                    ? List.of(
                                                    "text/plain",
                                                    "multipart/form-data",
                                                    "x",
                                                    "application/json;charset=x")
                                            .get(random.nextInt(4))
                                    : usual));
        }
        if (once(8)) {
            headers.add(
                    "Accept: "
                            + List.of(
                                            "text/html",
                                            "x",
                                            "application/xml;q=0.1",
                                            "*/*",
                                            "application/json;q=9")
                                    .get(random.nextInt(5)));
        }
        for (JsonNode each : operation.definition().path("parameters")) {
            JsonNode parameter = description.resolve(each);
            if (parameter.path("in").asString().equals("header") && once(4)) {
                headers.add(
                        parameter.path("name").asString()
                                + ": "
                                + text().replaceAll("[^\\x20-\\x7e]", "?"));
            }
        }
        if (once(20)) {
            headers.add("Accept-Language: " + "x".repeat(random.nextInt(9000)));
        }
        if (once(20)) {
            headers.add("Range: bytes=0-1");
        }
        if (once(20)) {
            headers.add("Expect: " + text().replaceAll("[^\\x20-\\x7e]", "?"));
        }
        return headers;
    }

    private String body(Operation operation) {
        JsonNode content = operation.definition().path("requestBody").path("content");
        JsonNode schema = content.iterator().next().path("schema");
        String whole = json(value("", schema, 0));
        if (once(15)) {
            return whole.substring(0, random.nextInt(whole.length() + 1));
        }
        return once(15) ? text() : whole;
    }

    /** A value of a schema, or one in so many times of any other kind. */
    private Object value(String name, JsonNode reference, int depth) {
        JsonNode schema = description.resolve(reference);
        if (name.equals("command")) {
            return COMMANDS.get(random.nextInt(COMMANDS.size()));
        }
        if (once(25)) {
            return List.of(text(), number(), true, List.of(), Map.of("a", 1))
                    .get(random.nextInt(5));
        }
        if (schema.has("oneOf") || schema.has("anyOf")) {
            JsonNode choices = schema.has("oneOf") ? schema.path("oneOf") : schema.path("anyOf");
            return value(name, choices.get(random.nextInt(choices.size())), depth);
        }
        if (schema.has("properties")) {
            return object(schema, depth);
        }
        return switch (schema.path("type").asString("")) {
            case "integer", "number" -> once(3) ? number() : random.nextInt(100);
            case "boolean" -> random.nextBoolean();
            case "array" -> array(name, schema.path("items"), depth);
            case "object" -> Map.of(text(), text());
            default -> text();
        };
    }

    private Object object(JsonNode schema, int depth) {
        Map<String, Object> members = new TreeMap<>();
        for (Map.Entry<String, JsonNode> each : schema.path("properties").properties()) {
            boolean needed = each.getKey().equals("command") || each.getKey().equals("type");
            if (needed ? !once(10) : once(4 + 2 * depth)) {
                members.put(each.getKey(), value(each.getKey(), each.getValue(), depth + 1));
            }
        }
        if (once(30)) {
            members.put(text(), text());
        }
        return members;
    }

    private Object array(String name, JsonNode items, int depth) {
        List<Object> all = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            all.add(value(name, items, depth + 1));
        }
        return all;
    }

    private String text() {
        String text = texts.next(random).value();
        return text == null ? "" : text;
    }

    private Number number() {
        Long number = numbers.next(random).value();
        return number == null ? 0 : number;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** By hand: half surrogates and numbers are to stay as they are. */
    private static String json(Object value) {
        return switch (value) {
            case String text -> Api.quoted(text);
            case Map<?, ?> map ->
                    map.entrySet().stream()
                            .map(each -> json(each.getKey()) + ":" + json(each.getValue()))
                            .collect(Collectors.joining(",", "{", "}"));
            case List<?> list ->
                    list.stream().map(FuzzIT::json).collect(Collectors.joining(",", "[", "]"));
            default -> value.toString();
        };
    }
}

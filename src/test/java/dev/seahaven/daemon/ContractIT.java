package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.Description;
import dev.seahaven.testing.Description.Operation;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What holds for every operation, of those that there are and those that will be: it walks the
 * description and tries each.
 */
@ExtendWith(NothingLeft.class)
class ContractIT {

    private static final Pattern VARIABLE = Pattern.compile("\\{([^}]*)\\}");

    /** They answer what a program did or how a thing looks, and not the thing. */
    private static final Set<String> NO_ACTION = Set.of("execInNamespace");

    /** Single resources without a name in their path. */
    private static final Set<String> ALONE = Set.of("getSystem");

    private final Api api = TestDaemon.shared().api();
    private final JsonNode description = api.get("/v3/api-docs").expect(200).json();

    /** For each variable of a path, one of the kind that is there. */
    private Map<String, String> living = Map.of();

    @BeforeEach
    void makeOneOfEachKind() {
        String sandbox =
                api.create(
                        """
                        {"command": ["sleep", "1000"]}
                        """);
        String namespace = "contract-" + ProcessHandle.current().pid();
        api.post(
                        "/namespaces",
                        """
                        {"type": "uts", "name": "%s"}
                        """
                                .formatted(namespace))
                .expect(201);
        living =
                Map.of(
                        "sandbox",
                        sandbox,
                        "namespace",
                        namespace,
                        "pid",
                        "" + api.pid(sandbox),
                        "run",
                        "none");
    }

    @AfterEach
    void removeThem() {
        api.destroy(fill("{sandbox}"));
        api.delete(fill("/namespaces/{namespace}")).expect(204);
    }

    private List<Operation> operations() {
        List<Operation> all = Description.of(description).operations();
        assertThat(all).hasSizeGreaterThan(30);
        return all;
    }

    private String fill(String path) {
        Matcher variables = VARIABLE.matcher(path);
        return variables.replaceAll(
                variable -> {
                    String value = living.get(variable.group(1));
                    assertThat(value).as("a living " + variable.group(1)).isNotNull();
                    return value;
                });
    }

    private HttpRequest.Builder request(Operation operation, String query, String body) {
        HttpRequest.Builder request = api.request(fill(operation.path()) + query);
        JsonNode content = operation.definition().path("requestBody").path("content");
        if (content.isEmpty()) {
            return request.method(operation.method(), BodyPublishers.noBody());
        }
        return request.header("Content-Type", content.propertyNames().iterator().next())
                .method(operation.method(), BodyPublishers.ofString(body));
    }

    @Test
    void anUnknownQueryParameterIsRefused() {
        for (Operation each : operations()) {
            api.send(request(each, "?nope=1", "{}")).expectViolation("nope");
        }
    }

    @Test
    void everyListTellsItsTotal() {
        int lists = 0;
        for (Operation each : operations()) {
            if (each.method().equals("GET") && each.takes("query", "after")) {
                lists++;
                JsonNode page = api.get(fill(each.path()) + "?limit=1").expect(200).json();
                assertThat(page.has("items")).as(each.id()).isTrue();
                assertThat(page.has("next")).as(each.id()).isTrue();
                assertThat(page.path("total").asInt(-1))
                        .as(each.id())
                        .isGreaterThanOrEqualTo(page.path("items").size());
            }
        }
        assertThat(lists).isGreaterThanOrEqualTo(4);
    }

    private boolean isSingle(Operation operation) {
        return operation.method().equals("GET")
                && (operation.path().endsWith("}") || ALONE.contains(operation.id()));
    }

    @Test
    void everySingleResourceHasAnEntityTagThatSavesATransfer() {
        for (Operation each : operations()) {
            if (!isSingle(each)) {
                continue;
            }
            Api.Answer answer = api.send(request(each, "", ""));
            String tag = answer.expect(200).header("ETag");
            assertThat(tag).as(each.id()).matches("\"[^\"]+\"");
            assertThat(each.takes("header", "If-None-Match")).as(each.id()).isTrue();
            Api.Answer again = api.send(request(each, "", "").header("If-None-Match", tag));
            assertThat(again.expect(304).text()).as(each.id()).isEmpty();
            api.send(request(each, "", "").header("If-None-Match", "\"other\"")).expect(200);
        }
    }

    /** The path of the resource that an operation changes. */
    private static String changed(Operation operation) {
        String path = operation.path();
        return operation.method().equals("POST") && !path.endsWith("}")
                ? path.substring(0, path.lastIndexOf('/'))
                : path;
    }

    private boolean isChange(Operation operation) {
        return !operation.method().equals("GET")
                && !NO_ACTION.contains(operation.id())
                && description.path("paths").path(changed(operation)).has("get")
                && changed(operation).endsWith("}");
    }

    @Test
    void everyChangeOfAResourceIsGuardedByItsEntityTag() {
        int changes = 0;
        for (Operation each : operations()) {
            if (!isChange(each)) {
                continue;
            }
            changes++;
            String before = api.get(fill(changed(each))).expect(200).header("ETag");
            assertThat(each.takes("header", "If-Match")).as(each.id()).isTrue();
            api.send(request(each, "", "{}").header("If-Match", "\"other\""))
                    .expectProblem(412, "precondition-failed");
            assertThat(api.get(fill(changed(each))).expect(200).header("ETag"))
                    .as(each.id())
                    .isEqualTo(before);
        }
        assertThat(changes).isGreaterThanOrEqualTo(9);
    }

    @Test
    void theEntityTagThatWasReadLetsAChangePass() {
        String sandbox = fill("/sandboxes/{sandbox}");
        String tag = api.get(sandbox).header("ETag");
        api.send(
                        api.request(sandbox + "/pause")
                                .header("If-Match", tag)
                                .POST(BodyPublishers.noBody()))
                .expect(200);
        assertThat(api.get(sandbox).header("ETag")).isNotEqualTo(tag);
        api.post(sandbox + "/resume").expect(200);
    }

    @Test
    void everyPostIsCarriedOutOnceForAKey() {
        int posts = 0;
        for (Operation each : operations()) {
            if (!each.method().equals("POST")) {
                continue;
            }
            posts++;
            assertThat(each.takes("header", "Idempotency-Key")).as(each.id()).isTrue();
            api.send(request(each, "?nope=1", "{}").header("Idempotency-Key", "a b"))
                    .expectViolation("Idempotency-Key");
            String key = UUID.randomUUID().toString();
            Api.Answer first =
                    api.send(request(each, "?nope=1", "{}").header("Idempotency-Key", key));
            assertThat(first.header("Idempotency-Replayed")).isEmpty();
            Api.Answer again =
                    api.send(request(each, "?nope=1", "{}").header("Idempotency-Key", key));
            assertThat(again.header("Idempotency-Replayed")).as(each.id()).isEqualTo("true");
            assertThat(again.text()).isEqualTo(first.text());
            api.send(request(each, "?other=1", "{}").header("Idempotency-Key", key))
                    .expectProblem(409, "idempotency-conflict");
        }
        assertThat(posts).isGreaterThanOrEqualTo(10);
    }
}

package dev.seahaven.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

@ExtendWith(NothingLeft.class)
class RunIT {

    private static final long OUTPUT = 100L << 20;

    private final Api api = TestDaemon.shared().api();

    private JsonNode run(String members) {
        return api.post("/runs", "{" + members + "}").expect(200).json();
    }

    /** Clients that send what is the default anyway are no worse off. */
    @Test
    void aRunStartsAtOnce() {
        assertThat(
                        run("\"start\":true,\"command\":[\"true\"]")
                                .path("exit")
                                .path("exitCode")
                                .asInt())
                .isZero();
        api.post(
                        "/runs",
                        """
                        {"start": false, "command": ["true"]}
                        """)
                .expectViolation("start");
    }

    @Test
    void aRunCollectsBothStreamsAndTheStatus() {
        JsonNode run =
                run(
                        "\"stdin\":\"hello\\n"
                            + "\",\"command\":[\"/bin/sh\",\"-c\",\"cat; echo oops >&2; exit 4\"]");
        assertThat(run.path("stdout").asString()).isEqualTo("hello\n");
        assertThat(run.path("stderr").asString()).isEqualTo("oops\n");
        assertThat(run.path("exit").path("exitCode").asInt()).isEqualTo(4);
        assertThat(run.path("exit").path("signal").isNull()).isTrue();
        assertThat(run.path("truncated").asBoolean()).isFalse();
        assertThat(run.path("timing").path("totalMillis").asDouble())
                .isGreaterThanOrEqualTo(run.path("timing").path("runMillis").asDouble());
        assertThat(run.path("usage").path("cpuMillis").asDouble()).isPositive();
        assertThat(run.path("usage").path("peakMemoryBytes").asLong()).isGreaterThan(100_000);
    }

    /** A monitor that looked late took the end of the failed exec for the command's own, with 1. */
    @Test
    void aCommandThatIsNotThereIs127EachTime() {
        for (int i = 0; i < 200; i++) {
            JsonNode run = run("\"command\":[\"/no/such\"],\"init\":" + (i % 2 == 0));
            assertThat(run.path("exit").path("exitCode").asInt()).as("run " + i).isEqualTo(127);
        }
    }

    @Test
    void aLargeInputArrivesWhole() {
        assertThat(
                        run("\"stdin\":\"" + "x".repeat(500_000) + "\",\"command\":[\"wc\",\"-c\"]")
                                .path("stdout")
                                .asString())
                .isEqualTo("500000\n");
    }

    @Test
    void aPlanOfMoreThanOneMessageTravelsWhole() {
        String large = "x".repeat(100_000);
        JsonNode run =
                run(
                        "\"env\":{\"A\":\""
                                + large
                                + "\",\"B\":\""
                                + large
                                + "\"},\"command\":[\"/bin/sh\",\"-c\",\"echo ${#A} ${#B}\"]");
        assertThat(run.path("stdout").asString()).isEqualTo("100000 100000\n");
    }

    @Test
    void aSignalIsToldByName() {
        JsonNode exit = run("\"command\":[\"/bin/sh\",\"-c\",\"kill -SEGV $$\"]").path("exit");
        assertThat(exit.path("signal").asString()).isEqualTo("SEGV");
        assertThat(exit.path("exitCode").asInt()).isEqualTo(139);
        assertThat(exit.path("reason").asString()).isEqualTo("signaled");
    }

    @Test
    void moreThanAMebibyteOfOutputIsCutAndTheCommandGoesOn() {
        JsonNode run = run("\"command\":[\"" + Outside.probe() + "\",\"flood\",\"5000000\"]");
        assertThat(run.path("stdout").asString()).hasSize(1 << 20);
        assertThat(run.path("truncated").asBoolean()).isTrue();
        assertThat(run.path("exit").path("exitCode").asInt()).isZero();
    }

    @Test
    void whatARunLeavesBehindDiesWithIt() {
        run("\"command\":[\"/bin/sh\",\"-c\",\"sleep 1000 & setsid sleep 1000 & exit 0\"]");
    }

    @Test
    void twoHundredRunsAtOnceSucceed() throws Exception {
        List<Callable<JsonNode>> all =
                IntStream.range(0, 200)
                        .<Callable<JsonNode>>mapToObj(
                                i ->
                                        () ->
                                                run(
                                                        "\"command\":[\"/bin/sh\",\"-c\",\"sleep"
                                                                + " 0.3; echo "
                                                                + i
                                                                + "\"]"))
                        .toList();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            int number = 0;
            for (Future<JsonNode> run : threads.invokeAll(all)) {
                assertThat(run.get().path("stdout").asString()).isEqualTo(number++ + "\n");
            }
        }
    }

    @Test
    void aHundredMebibytesArriveWholeThroughTheLogAndDoNotGrowTheDaemon() throws Exception {
        String id =
                api.create(
                        "{\"command\":[\"" + Outside.probe() + "\",\"flood\",\"" + OUTPUT + "\"]}");
        assertThat(
                        api.get("/sandboxes/" + id + "/wait?timeoutSeconds=60")
                                .expect(200)
                                .json()
                                .path("exitCode")
                                .asInt())
                .isZero();
        long before = used();
        long[] seen = {0, 0};
        var request = api.request("/sandboxes/" + id + "/logs").build();
        try (java.io.InputStream log =
                java.net.http.HttpClient.newHttpClient()
                        .send(request, java.net.http.HttpResponse.BodyHandlers.ofInputStream())
                        .body()) {
            byte[] part = new byte[1 << 16];
            for (int got = log.read(part); got >= 0; got = log.read(part)) {
                for (int i = 0; i < got; i++) {
                    seen[1] += part[i] == '\n' ? 1 : 0;
                }
                seen[0] += got;
            }
        }
        assertThat(seen[0]).isEqualTo(OUTPUT);
        assertThat(seen[1]).isEqualTo(OUTPUT / 64);
        await().untilAsserted(() -> assertThat(used() - before).isLessThan(OUTPUT / 4));
        api.destroy(id);
    }

    private static long used() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    @Test
    void aFloodEndsAtTheLogLimit() {
        try (TestDaemon daemon =
                TestDaemon.start(
                        "--seahaven.sandbox.log-limit=100KB", "--spring.jmx.enabled=false")) {
            Api other = daemon.api();
            String flood = "{\"command\":[\"" + Outside.probe() + "\",\"flood\",\"1000000000\"]}";
            assertThat(
                            other.post("/runs", flood)
                                    .expect(200)
                                    .json()
                                    .path("exit")
                                    .path("reason")
                                    .asString())
                    .isEqualTo("output-limit");
            String id = other.create(flood);
            assertThat(
                            other.get("/sandboxes/" + id + "/wait?timeoutSeconds=20")
                                    .expect(200)
                                    .json()
                                    .path("reason")
                                    .asString())
                    .isEqualTo("output-limit");
            assertThat(other.get("/sandboxes/" + id + "/logs").text()).hasSize(100 * 1024);
            other.destroy(id);
            // Not each life anew: what those before have written counts.
            String often =
                    other.create(
                            """
                            {"command": ["sh", "-c", "head -c 40000 /dev/zero | tr '\\\\0' x"]}
                            """);
            for (int i = 0; i < 5; i++) {
                other.get("/sandboxes/" + often + "/wait").expect(200);
                assertThat(other.get("/sandboxes/" + often + "/logs").text().length())
                        .isBetween(40_000, 100 * 1024);
                other.post("/sandboxes/" + often + "/start").expect(200);
            }
            other.get("/sandboxes/" + often + "/wait").expect(200);
            other.destroy(often);
        }
    }

    @Test
    void bytesThatAreNoTextAreToldInBase64() {
        JsonNode result =
                api.post(
                                "/runs",
                                """
                                {
                                  "command": ["sh", "-c", "printf '\\\\377\\\\000'; printf x >&2"],
                                  "output": "base64"
                                }
                                """)
                        .expect(200)
                        .json();
        assertThat(result.path("stdout").asString()).isEqualTo("/wA=");
        assertThat(result.path("stderr").asString()).isEqualTo("eA==");
        api.post(
                        "/runs",
                        """
                        {"command": ["true"], "output": "hex"}
                        """)
                .expectViolation("output");
    }

    @Test
    void aRunIsListedAndEndedByItsNameOrId() throws Exception {
        for (boolean byName : new boolean[] {true, false}) {
            CompletableFuture<JsonNode> result =
                    CompletableFuture.supplyAsync(
                            () ->
                                    api.post(
                                                    "/runs",
                                                    """
                                                    {
                                                      "name": "Long.Run",
                                                      "labels": {"kind": "long"},
                                                      "command": ["sh", "-c", "trap '' TERM; sleep 1000"]
                                                    }
                                                    """)
                                            .expect(200)
                                            .json());
            await().until(() -> api.get("/runs?label=kind=long").json().path("total").asInt() == 1);
            JsonNode run = api.get("/runs?label=kind=long").json().path("items").path(0);
            assertThat(run.path("name").asString()).isEqualTo("Long.Run");
            api.delete("/runs/" + (byName ? "Long.Run" : run.path("id").asString())).expect(204);
            JsonNode ended = result.get(10, TimeUnit.SECONDS);
            assertThat(ended.path("id").asString()).isEqualTo(run.path("id").asString());
            assertThat(ended.path("exit").path("reason").asString()).isEqualTo("stopped");
            await().until(() -> api.get("/runs").json().path("total").asInt() == 0);
        }
        api.delete("/runs/Long.Run").expectProblem(404, "not-found");
    }
}

package dev.seahaven.namespace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.HostProcess;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/** The list of all namespaces beside what {@code lsns} and {@code ip netns} tell. */
@ExtendWith(NothingLeft.class)
class ListIT {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private final Api api = TestDaemon.shared().api();

    private Map<Long, JsonNode> all() {
        Map<Long, JsonNode> found = new HashMap<>();
        String after = "";
        do {
            JsonNode page = api.get("/namespaces?limit=1000" + after).expect(200).json();
            page.path("items").forEach(each -> found.put(each.path("id").asLong(), each));
            after = page.path("next").isNull() ? "" : "&after=" + page.path("next").asString();
        } while (!after.isEmpty());
        return found;
    }

    @Test
    void theSameAsLsnsOnAHostWithMany() {
        List<HostProcess> processes = new ArrayList<>();
        try {
            for (int i = 0; i < 30; i++) {
                processes.add(
                        HostProcess.start(
                                "unshare",
                                "--uts",
                                "--ipc",
                                "--net",
                                "--mount",
                                "--cgroup",
                                "--time",
                                "sleep",
                                "120"));
            }
            for (int i = 0; i < 10; i++) {
                // Three levels of pid and user namespaces.
                String level = "unshare --user --map-root-user --pid --fork ";
                processes.add(
                        HostProcess.start(
                                "sh", "-c", "exec " + level + level + level + "sleep 120"));
            }
            await().atMost(Duration.ofSeconds(30)).untilAsserted(this::agreesWithLsns);
            assertThat(all()).hasSizeGreaterThan(200);
        } finally {
            processes.forEach(HostProcess::close);
        }
    }

    private void agreesWithLsns() {
        Map<Long, JsonNode> ours = all();
        Set<String> theirs = new HashSet<>();
        Set<String> members = new HashSet<>();
        JSON.readTree(Outside.run("lsns", "--json", "--output", "NS,TYPE,NPROCS,PID"))
                .path("namespaces")
                .forEach(
                        each ->
                                theirs.add(
                                        each.path("ns").asLong()
                                                + " "
                                                + each.path("type").asString()
                                                + " "
                                                + (each.path("nprocs").asInt() > 5
                                                        ? "many" // they come and go
                                                        : each.path("nprocs").asString())));
        ours.values().stream()
                .filter(each -> each.path("processCount").asInt() > 0)
                .forEach(
                        each ->
                                members.add(
                                        each.path("id").asLong()
                                                + " "
                                                + each.path("type").asString()
                                                + " "
                                                + (each.path("processCount").asInt() > 5
                                                        ? "many"
                                                        : each.path("processCount").asString())));
        assertThat(members).isEqualTo(theirs);
    }

    @Test
    void namesAreThoseOfIpNetns() {
        Outside.run("ip", "netns", "add", "sv-list");
        try {
            Set<String> theirs = new HashSet<>();
            JSON.readTree(Outside.run("ip", "-j", "netns"))
                    .forEach(each -> theirs.add(each.path("name").asString()));
            Set<String> ours = new HashSet<>();
            api.get("/namespaces?type=net&named=true&limit=1000")
                    .json()
                    .path("items")
                    .forEach(each -> ours.add(each.path("name").asString()));
            assertThat(ours).isEqualTo(theirs).contains("sv-list");
        } finally {
            Outside.run("ip", "netns", "delete", "sv-list");
        }
    }

    @Test
    void filters() {
        try (HostProcess process = HostProcess.sleeping("exec unshare --uts sleep 60")) {
            JsonNode found =
                    api.get("/namespaces?type=uts&pid=" + process.pid()).expect(200).json();
            assertThat(found.path("items")).hasSize(1);
            assertThat(found.path("items").path(0).path("id").asLong())
                    .isEqualTo(process.namespace("uts"));
            assertThat(found.path("items").path(0).path("leader").path("pid").asInt())
                    .isEqualTo(process.pid());
            api.get("/namespaces?type=nets").expectViolation("type");
        }
    }

    @Test
    void aListWhileManyComeAndGoIsNeverAnError() {
        AtomicBoolean done = new AtomicBoolean();
        CompletableFuture<Void> others =
                CompletableFuture.runAsync(
                        () -> {
                            for (int i = 0; i < 40; i++) {
                                Outside.run(
                                        "sh",
                                        "-c",
                                        "for i in 1 2 3 4 5; do unshare --user --net --uts --ipc"
                                                + " --pid --fork true & done; wait");
                            }
                            done.set(true);
                        },
                        Thread::startVirtualThread);
        int lists = 0;
        while (!done.get() && !others.isDone()) {
            for (JsonNode each : all().values()) {
                assertThat(each.path("type").asString()).isNotBlank();
            }
            api.get("/processes?limit=1000").expect(200);
            api.get("/namespaces/graph").expect(200);
            lists++;
        }
        others.join();
        assertThat(lists).isPositive();
    }

    @Test
    void theGraphAlsoAsDot() {
        try (HostProcess process =
                HostProcess.sleeping("exec unshare --user --map-root-user --uts sleep 60")) {
            long uts = process.namespace("uts");
            long user = process.namespace("user");
            JsonNode graph = api.get("/namespaces/graph").expect(200).json();
            assertThat(
                            graph.path("edges")
                                    .valueStream()
                                    .filter(edge -> edge.path("to").asLong() == uts)
                                    .filter(edge -> edge.path("from").asLong() == user)
                                    .map(edge -> edge.path("kind").asString()))
                    .containsExactly("owner");
            assertThat(
                            graph.path("nodes")
                                    .valueStream()
                                    .filter(node -> node.path("id").asLong() == uts)
                                    .flatMap(node -> node.path("members").valueStream())
                                    .map(JsonNode::asInt))
                    .containsExactly(process.pid());
            String dot =
                    api.send(api.request("/namespaces/graph").header("Accept", "text/vnd.graphviz"))
                            .expect(200)
                            .text();
            assertThat(dot).contains("digraph", "\"" + user + "\" -> \"" + uts + "\"");
        }
    }

    @Test
    void theGraphAsAStreamOfChanges() throws Exception {
        var request = api.request("/namespaces/graph").header("Accept", "text/event-stream");
        try (var client = java.net.http.HttpClient.newHttpClient()) {
            var answer = client.send(request.GET().build(), HttpResponse.BodyHandlers.ofLines());
            assertThat(answer.statusCode()).isEqualTo(200);
            CompletableFuture<String> change = new CompletableFuture<>();
            Thread reader =
                    Thread.ofPlatform()
                            .daemon()
                            .start(
                                    () -> {
                                        try (var lines = answer.body()) {
                                            lines.filter(line -> line.contains("sv-stream"))
                                                    .findFirst()
                                                    .ifPresent(change::complete);
                                        }
                                    });
            Outside.run("ip", "netns", "add", "sv-stream");
            try {
                assertThat(change.get(10, java.util.concurrent.TimeUnit.SECONDS))
                        .contains("\"added\"");
            } finally {
                Outside.run("ip", "netns", "delete", "sv-stream");
                client.shutdownNow();
            }
            reader.join(10_000);
        }
    }
}

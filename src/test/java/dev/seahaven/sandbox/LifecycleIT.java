package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

@ExtendWith(NothingLeft.class)
class LifecycleIT {

    private final Api api = TestDaemon.shared().api();

    private JsonNode state(String id) {
        return api.get("/sandboxes/" + id).expect(200).json().path("state");
    }

    private void awaitLog(String id, String text) {
        await().until(() -> api.get("/sandboxes/" + id + "/logs").text().contains(text));
    }

    @Test
    void createAnswersWithWhereItIsAndWhatItIs() {
        Api.Answer created =
                api.post(
                        "/sandboxes",
                        """
                        {"name": "web-1.a", "labels": {"team": "a"}, "command": ["sleep", "60"]}
                        """);
        created.expect(201);
        JsonNode sandbox = created.json();
        String id = sandbox.path("id").asString();
        assertThat(id).matches("[a-z2-7]{12}");
        assertThat(created.header("Location")).isEqualTo("/sandboxes/" + id);
        assertThat(created.header("ETag")).isNotBlank();
        assertThat(sandbox.path("hostname").asString()).isEqualTo("web-1-a");
        assertThat(sandbox.path("state").path("status").asString()).isEqualTo("running");
        assertThat(sandbox.path("timings").path("totalMillis").asDouble()).isPositive();
        assertThat(api.get("/sandboxes/web-1.a").json().path("id").asString()).isEqualTo(id);
        assertThat(
                        TestDaemon.shared()
                                .places()
                                .cgroupDirectory()
                                .resolve(id)
                                .resolve("cgroup.procs"))
                .content()
                .isNotBlank();
        api.destroy("web-1.a");
        api.get("/sandboxes/" + id).expectProblem(404, "not-found");
    }

    @Test
    void deletingARunningSandboxNeedsForceAndKillsEveryProcess() {
        String id =
                api.create(
                        """
                        {"command": ["/bin/sh", "-c", "sleep 61 & sleep 62 & wait"]}
                        """);
        int pid = api.pid(id);
        api.delete("/sandboxes/" + id).expectProblem(409, "wrong-state");
        List<Integer> inside = Outside.children(Outside.children(pid).getFirst());
        api.destroy(id);
        for (int process : inside) {
            assertThat(Path.of("/proc/" + process)).doesNotExist();
        }
        api.delete("/sandboxes/" + id + "?force=true").expectProblem(404, "not-found");
    }

    @Test
    void stopSendsTermToTheCommandAndTellsItsStatus() {
        String id = api.create("{\"command\":[\"" + Outside.probe() + "\",\"term\"]}");
        awaitLog(id, "ready");
        JsonNode exit = api.post("/sandboxes/" + id + "/stop").expect(200).exit();
        assertThat(exit.path("exitCode").asInt()).isEqualTo(7);
        assertThat(exit.path("reason").asString()).isEqualTo("stopped");
        assertThat(state(id).path("pid").isNull()).isTrue();
        api.post("/sandboxes/" + id + "/stop").expectProblem(409, "wrong-state");
        api.delete("/sandboxes/" + id).expect(204);
    }

    @Test
    void stopKillsAfterTheTime() {
        String id = api.create("{\"command\":[\"" + Outside.probe() + "\",\"stubborn\"]}");
        awaitLog(id, "ready");
        long begun = System.nanoTime();
        JsonNode exit =
                api.post(
                                "/sandboxes/" + id + "/stop",
                                """
                                {"timeoutSeconds": 0.5}
                                """)
                        .expect(200)
                        .exit();
        assertThat(Duration.ofNanos(System.nanoTime() - begun))
                .isBetween(Duration.ofMillis(500), Duration.ofSeconds(9));
        assertThat(exit.path("signal").asString()).isEqualTo("KILL");
        assertThat(exit.path("exitCode").asInt()).isEqualTo(137);
        assertThat(exit.path("reason").asString()).isEqualTo("stopped");
        api.delete("/sandboxes/" + id).expect(204);
    }

    @Test
    void killSendsAnySignal() {
        String id =
                api.create(
                        """
                        {
                          "command": ["/bin/sh", "-c", "trap 'echo got' USR1; echo ready; while :; do sleep 0.1; done"]

                        }
                        """);
        awaitLog(id, "ready");
        api.post(
                        "/sandboxes/" + id + "/kill",
                        """
                        {"signal": "SIGUSR1"}
                        """)
                .expect(200);
        awaitLog(id, "got");
        api.post(
                        "/sandboxes/" + id + "/kill",
                        """
                        {"signal": "STOP"}
                        """)
                .expectViolation("signal");
        JsonNode exit = api.post("/sandboxes/" + id + "/kill").expect(200).exit();
        assertThat(exit.path("reason").asString()).isEqualTo("signaled");
        assertThat(exit.path("signal").asString()).isEqualTo("KILL");
        api.post(
                        "/sandboxes/" + id + "/kill",
                        """
                        {"signal": "NONE"}
                        """)
                .expectViolation("signal");
        api.delete("/sandboxes/" + id).expect(204);
    }

    @Test
    void startStopAndRestartKeepWhatWasWritten() {
        String id =
                api.create(
                        """
                        {
                          "start": false,
                          "command": ["/bin/sh", "-c", "echo x >> /etc/lives; wc -l < /etc/lives; exec sleep 60"]

                        }
                        """);
        assertThat(state(id).path("status").asString()).isEqualTo("created");
        api.get("/sandboxes/" + id + "/wait?timeoutSeconds=0").expectProblem(409, "wrong-state");
        api.post("/sandboxes/" + id + "/start").expect(200);
        api.post("/sandboxes/" + id + "/start").expectProblem(409, "wrong-state");
        awaitLog(id, "1\n");
        api.post(
                        "/sandboxes/" + id + "/restart",
                        """
                        {"timeoutSeconds": 1}
                        """)
                .expect(200);
        awaitLog(id, "1\n2\n");
        assertThat(state(id).path("restarts").asInt()).isEqualTo(1);
        api.destroy(id);
    }

    @Test
    void pauseFreezesAndResumeThaws() {
        String id =
                api.create(
                        """
                        {"command": ["/bin/sh", "-c", "while :; do echo tick; sleep 0.05; done"]}
                        """);
        awaitLog(id, "tick");
        assertThat(
                        api.post("/sandboxes/" + id + "/pause")
                                .expect(200)
                                .json()
                                .path("state")
                                .path("status")
                                .asString())
                .isEqualTo("paused");
        String frozen = api.get("/sandboxes/" + id + "/logs").text();
        Path events =
                TestDaemon.shared().places().cgroupDirectory().resolve(id).resolve("cgroup.events");
        assertThat(events).content().contains("frozen 1");
        api.post("/sandboxes/" + id + "/pause").expectProblem(409, "wrong-state");
        assertThat(api.get("/sandboxes/" + id + "/logs").text()).isEqualTo(frozen);
        api.post("/sandboxes/" + id + "/resume").expect(200);
        await().until(
                        () ->
                                api.get("/sandboxes/" + id + "/logs").text().length()
                                        > frozen.length());
        api.post("/sandboxes/" + id + "/pause").expect(200);
        api.destroy(id);
    }

    @Test
    void waitAnswersWithTheExitOrRunsOut() {
        String id =
                api.create(
                        """
                        {"command": ["/bin/sh", "-c", "sleep 0.5; exit 3"]}
                        """);
        api.get("/sandboxes/" + id + "/wait?timeoutSeconds=0.1").expectProblem(408, "wait-expired");
        JsonNode exit = api.get("/sandboxes/" + id + "/wait").expect(200).json();
        assertThat(exit.path("exitCode").asInt()).isEqualTo(3);
        assertThat(exit.path("reason").asString()).isEqualTo("exited");
        assertThat(state(id).path("status").asString()).isEqualTo("stopped");
        api.delete("/sandboxes/" + id).expect(204);
    }

    @Test
    void logsAreBothStreamsOrOneAndTheTailOfThem() {
        String id =
                api.create(
                        """
                        {
                          "command": [
                              "/bin/sh",
                              "-c",
                              "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; printf end"
                            ]
                        }
                        """);
        api.get("/sandboxes/" + id + "/wait").expect(200);
        String logs = "/sandboxes/" + id + "/logs";
        assertThat(api.get(logs).text()).isEqualTo("one\ntwo\nthree\nend");
        assertThat(api.get(logs).header("Content-Type")).startsWith("text/plain");
        assertThat(api.get(logs + "?stream=stdout").text()).isEqualTo("one\nthree\nend");
        assertThat(api.get(logs + "?stream=stderr").text()).isEqualTo("two\n");
        assertThat(api.get(logs + "?tail=2").text()).isEqualTo("three\nend");
        assertThat(api.get(logs + "?tail=0").text()).isEmpty();
        assertThat(api.get(logs + "?since=2100-01-01T00:00:00Z").text()).isEmpty();
        api.get(logs + "?stream=both&tail=-1&since=now")
                .expectViolation("stream")
                .expectViolation("tail")
                .expectViolation("since");
        api.get(logs + "?follow=true&streams=stdout")
                .expectViolation("follow")
                .expectViolation("streams");
        api.delete("/sandboxes/" + id).expect(204);
    }

    @Test
    void aCommandThatCannotBeExecutedIsAResult() {
        for (String[] row :
                new String[][] {
                    {"no-such-program", "127"},
                    {"/no/such", "127"},
                    {"/etc/os-release", "126"},
                    {"/etc", "126"}
                }) {
            Api.Answer created =
                    api.post("/sandboxes", "{\"command\":[\"" + row[0] + "\"]}").expect(201);
            JsonNode state = created.json().path("state");
            assertThat(state.path("status").asString()).isEqualTo("failed");
            assertThat(state.path("exit").path("exitCode").asInt())
                    .isEqualTo(Integer.parseInt(row[1]));
            String id = created.json().path("id").asString();
            assertThat(api.get("/sandboxes/" + id + "/wait").json().path("exitCode").asInt())
                    .isEqualTo(Integer.parseInt(row[1]));
            api.delete("/sandboxes/" + id).expect(204);
            JsonNode run =
                    api.post("/runs", "{\"command\":[\"" + row[0] + "\"]}").expect(200).json();
            assertThat(run.path("exit").path("exitCode").asInt())
                    .isEqualTo(Integer.parseInt(row[1]));
        }
    }

    @Test
    void timeoutSecondsKillsAndSaysSo() {
        String id =
                api.create(
                        """
                        {"timeoutSeconds": 0.3, "command": ["sleep", "60"]}
                        """);
        JsonNode exit = api.get("/sandboxes/" + id + "/wait?timeoutSeconds=10").expect(200).json();
        assertThat(exit.path("reason").asString()).isEqualTo("timed-out");
        assertThat(exit.path("signal").asString()).isEqualTo("KILL");
        api.delete("/sandboxes/" + id).expect(204);
        assertThat(
                        api.post(
                                        "/runs",
                                        """
                                        {"timeoutSeconds": 0.2, "command": ["sleep", "60"]}
                                        """)
                                .expect(200)
                                .json()
                                .path("exit")
                                .path("reason")
                                .asString())
                .isEqualTo("timed-out");
    }

    @Test
    void listsArePagedAndFiltered() {
        for (int i = 0; i < 5; i++) {
            api.create(
                    "{\"name\":\"list-"
                            + i
                            + "\",\"start\":false,\"labels\":{\"n\":\""
                            + i % 2
                            + "\"},\"command\":[\"true\"]}");
        }
        JsonNode first = api.get("/sandboxes?limit=2").expect(200).json();
        assertThat(first.path("items").valueStream().map(s -> s.path("name").asString()))
                .containsExactly("list-0", "list-1");
        JsonNode second =
                api.get("/sandboxes?limit=3&after=" + first.path("next").asString()).json();
        assertThat(second.path("items").valueStream().map(s -> s.path("name").asString()))
                .containsExactly("list-2", "list-3", "list-4");
        assertThat(second.path("next").isNull()).isTrue();
        assertThat(api.get("/sandboxes?label=n=1").json().path("items")).hasSize(2);
        assertThat(api.get("/sandboxes?status=running").json().path("items")).isEmpty();
        assertThat(api.get("/sandboxes?status=created&label=n=0").json().path("items")).hasSize(3);
        api.get("/sandboxes?limit=0").expectViolation("limit");
        api.get("/sandboxes?limit=x").expectViolation("limit");
        api.get("/sandboxes?after=!").expectViolation("after");
        api.get("/sandboxes?status=busy").expectViolation("status");
        for (int i = 0; i < 5; i++) {
            api.delete("/sandboxes/list-" + i).expect(204);
        }
    }

    @Test
    void entityTagsGuardDeletion() {
        Api.Answer created =
                api.post(
                        "/sandboxes",
                        """
                        {"start": false, "command": ["sleep", "60"]}
                        """);
        String path = created.header("Location");
        String before = created.header("ETag");
        assertThat(api.send(api.request(path).header("If-None-Match", before)).status())
                .isEqualTo(304);
        api.post(path + "/start").expect(200);
        api.send(api.request(path + "?force=true").header("If-Match", before).DELETE())
                .expectProblem(412, "precondition-failed");
        String now = api.get(path).header("ETag");
        assertThat(now).isNotEqualTo(before);
        api.send(api.request(path + "?force=true").header("If-Match", now).DELETE()).expect(204);
    }

    @Test
    void namesAreUniqueAndFreedAgain() {
        api.create(
                """
                {"name": "only", "start": false, "command": ["true"]}
                """);
        api.post(
                        "/sandboxes",
                        """
                        {"name": "only", "command": ["true"]}
                        """)
                .expectProblem(409, "name-taken");
        api.delete("/sandboxes/only").expect(204);
        api.create(
                """
                {"name": "only", "start": false, "command": ["true"]}
                """);
        api.delete("/sandboxes/only").expect(204);
    }
}

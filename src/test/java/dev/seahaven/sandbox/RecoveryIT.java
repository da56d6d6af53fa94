package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.ExternalDaemon;
import dev.seahaven.testing.HostProcess;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A daemon that comes back. */
@ExtendWith(NothingLeft.class)
class RecoveryIT {

    private final TestDaemon.Places places = TestDaemon.newPlaces();

    @AfterEach
    void remove() throws Exception {
        Outside.delete(places.base());
        Files.deleteIfExists(Path.of("target", places.cgroup() + ".log"));
    }

    private ExternalDaemon start() {
        return ExternalDaemon.start(places);
    }

    @Test
    void killedAndStartedAgainItFindsItsSandboxesAndEveryExit() {
        String running;
        String exits;
        String paused;
        String stopped;
        String failed;
        int pid;
        ExternalDaemon first = start();
        Api api = first.api();
        running =
                api.create(
                        """
                        {
                          "name": "runs",
                          "command": ["/bin/sh", "-c", "while :; do echo tick; sleep 0.2; done"]
                        }
                        """);
        exits =
                api.create(
                        """
                        {"command": ["/bin/sh", "-c", "sleep 2; echo bye; exit 5"]}
                        """);
        paused =
                api.create(
                        """
                        {"command": ["sleep", "1000"]}
                        """);
        api.post("/sandboxes/" + paused + "/pause").expect(200);
        stopped =
                api.create(
                        """
                        {"command": ["sleep", "1000"]}
                        """);
        api.post("/sandboxes/" + stopped + "/stop").expect(200);
        failed =
                api.create(
                        """
                        {"command": ["no-such"]}
                        """);
        pid = api.pid(running);
        first.kill();
        await().until(() -> Files.exists(places.sandboxes().resolve(exits).resolve("exit")));
        assertThat(Path.of("/proc/" + pid)).exists();

        try (ExternalDaemon second = start()) {
            Api after = second.api();
            JsonNode found = found(after);
            assertThat(found.path("running").asInt()).isEqualTo(2);
            assertThat(found.path("ended").asInt()).isEqualTo(3);
            assertThat(found.path("undone").asInt()).isZero();
            assertThat(after.pid("runs")).isEqualTo(pid);
            String before = after.get("/sandboxes/runs/logs").text();
            await().until(
                            () ->
                                    after.get("/sandboxes/runs/logs").text().length()
                                            > before.length());
            JsonNode exit = after.get("/sandboxes/" + exits + "/wait").expect(200).json();
            assertThat(exit.path("exitCode").asInt()).isEqualTo(5);
            assertThat(exit.path("reason").asString()).isEqualTo("exited");
            assertThat(after.get("/sandboxes/" + exits + "/logs").text()).isEqualTo("bye\n");
            assertThat(status(after, paused)).isEqualTo("paused");
            assertThat(after.get("/sandboxes/" + stopped).exit().path("reason").asString())
                    .isEqualTo("stopped");
            assertThat(status(after, failed)).isEqualTo("failed");
            assertThat(
                            after.post(
                                            "/sandboxes/runs/stop",
                                            """
                                            {"timeoutSeconds": 1}
                                            """)
                                    .expect(200)
                                    .exit()
                                    .path("reason")
                                    .asString())
                    .isEqualTo("stopped");
            after.post(
                            "/sandboxes",
                            """
                            {"name": "runs", "command": ["true"]}
                            """)
                    .expectProblem(409, "name-taken");
            for (String id : new String[] {running, exits, paused, stopped, failed}) {
                after.destroy(id);
            }
        }
    }

    @Test
    void idsAreNeverSharedByTwoAlsoAcrossARestart() throws Exception {
        ExternalDaemon first = start();
        String one =
                first.api()
                        .create(
                                """
                                {"command": ["sleep", "60"]}
                                """);
        String idle =
                first.api()
                        .create(
                                """
                                {"start": false, "command": ["sleep", "60"]}
                                """);
        String map = Outside.read("/proc/" + first.api().pid(one) + "/uid_map");
        first.kill();
        try (ExternalDaemon second = start()) {
            Api api = second.api();
            assertThat(Outside.read("/proc/" + api.pid(one) + "/uid_map")).isEqualTo(map);
            String another =
                    api.create(
                            """
                            {"command": ["sleep", "60"]}
                            """);
            api.post("/sandboxes/" + idle + "/start").expect(200);
            List<String> maps =
                    Stream.of(one, idle, another)
                            .map(id -> Outside.read("/proc/" + api.pid(id) + "/uid_map"))
                            .toList();
            assertThat(maps).doesNotHaveDuplicates().allMatch(each -> each.contains(" 65536"));
            api.destroy(one);
            String later =
                    api.create(
                            """
                            {"command": ["sleep", "60"]}
                            """);
            assertThat(maps).doesNotContain(Outside.read("/proc/" + api.pid(later) + "/uid_map"));
            for (String id : List.of(idle, another, later)) {
                api.destroy(id);
            }
        }
    }

    private static String status(Api api, String id) {
        return api.get("/sandboxes/" + id).json().path("state").path("status").asString();
    }

    /**
     * A host that lost its power: no monitor wrote an exit record, and the run directory is gone.
     */
    @Test
    void whatRanWhenTheHostWentDownIsToldAsStoppedAndCanBeStartedAgain() throws Exception {
        ExternalDaemon first = start();
        String id =
                first.api()
                        .create(
                                """
                                {"name": "on", "command": ["sleep", "1000"]}
                                """);
        int pid = first.api().pid(id);
        String monitor =
                Outside.read("/proc/" + pid + "/status")
                        .lines()
                        .filter(line -> line.startsWith("PPid:"))
                        .findFirst()
                        .orElseThrow()
                        .substring(5)
                        .trim();
        first.kill();
        Outside.run("kill", "-KILL", monitor);
        Outside.run("kill", "-KILL", "" + pid);
        await().until(() -> !Files.exists(Path.of("/proc/" + pid)));
        Outside.delete(places.run());

        try (ExternalDaemon second = start()) {
            Api after = second.api();
            assertThat(found(after).path("undone").asInt()).isZero();
            assertThat(status(after, "on")).isEqualTo("stopped");
            assertThat(after.get("/sandboxes/on").exit().path("reason").asString())
                    .isEqualTo("monitor-lost");
            after.post("/sandboxes/on/start").expect(200);
            assertThat(status(after, "on")).isEqualTo("running");
            after.destroy(id);
        }
    }

    @Test
    void stoppedInOrderItLeavesSandboxesRunning() {
        int pid;
        try (ExternalDaemon first = start()) {
            String id =
                    first.api()
                            .create(
                                    """
                                    {"name": "on", "command": ["sleep", "1000"]}
                                    """);
            pid = first.api().pid(id);
        }
        assertThat(Path.of("/proc/" + pid)).exists();
        try (ExternalDaemon second = start()) {
            assertThat(second.api().pid("on")).isEqualTo(pid);
            second.api().destroy("on");
        }
        assertThat(Path.of("/proc/" + pid)).doesNotExist();
    }

    @Test
    void aRunEndsWithTheDaemon() throws Exception {
        ExternalDaemon daemon = start();
        Thread client =
                Thread.startVirtualThread(
                        () -> {
                            try {
                                daemon.api()
                                        .post(
                                                "/runs",
                                                """
                                                {"command": ["sleep", "1000"]}
                                                """);
                            } catch (java.io.UncheckedIOException e) {
                                // The daemon is killed in the middle.
                            }
                        });
        await().until(() -> !processes(places.cgroupDirectory()).isEmpty());
        daemon.kill();
        client.join();
        await().until(() -> processes(places.cgroupDirectory()).isEmpty());
        start().close();
        assertThat(places.cgroupDirectory()).doesNotExist();
    }

    private static String processes(Path group) throws Exception {
        StringBuilder all = new StringBuilder();
        try (var groups = Files.list(group)) {
            for (Path child : groups.filter(Files::isDirectory).toList()) {
                all.append(Files.readString(child.resolve("cgroup.procs")));
            }
        }
        return all.toString();
    }

    @Test
    void whenTheMonitorIsKilledTheSandboxEndsAndSaysSo() {
        try (ExternalDaemon daemon = start()) {
            Api api = daemon.api();
            String id =
                    api.create(
                            """
                            {"command": ["sleep", "1000"]}
                            """);
            int pid = api.pid(id);
            String parent =
                    Outside.read("/proc/" + pid + "/status")
                            .lines()
                            .filter(line -> line.startsWith("PPid:"))
                            .findFirst()
                            .orElseThrow()
                            .replaceAll("\\D", "");
            assertThat(Outside.read("/proc/" + parent + "/comm")).isEqualTo("seahaven-mon\n");
            Outside.run("kill", "-9", parent);
            JsonNode exit =
                    api.get("/sandboxes/" + id + "/wait?timeoutSeconds=20").expect(200).json();
            assertThat(exit.path("reason").asString()).isEqualTo("monitor-lost");
            assertThat(Path.of("/proc/" + pid)).doesNotExist();
            api.destroy(id);
        }
    }

    @Test
    void aSpawnerThatWasKilledIsStartedAgain() {
        try (ExternalDaemon daemon = start()) {
            Api api = daemon.api();
            String id =
                    api.create(
                            """
                            {"command": ["sleep", "1000"]}
                            """);
            for (int child : Outside.children((int) daemon.pid())) {
                Outside.run("kill", "-9", "" + child);
            }
            assertThat(api.shell("echo still here")).isEqualTo("still here\n");
            assertThat(status(api, id)).isEqualTo("running");
            api.destroy(id);
        }
    }

    @Test
    void whatCannotBeReadIsSetAsideAndTheDaemonStarts() throws Exception {
        String id;
        try (ExternalDaemon first = start()) {
            id =
                    first.api()
                            .create(
                                    """
                                    {"start": false, "command": ["true"]}
                                    """);
        }
        Files.writeString(places.sandboxes().resolve(id).resolve("sandbox.json"), "{ broken");
        try (ExternalDaemon second = start()) {
            assertThat(found(second.api()).path("setAside").path(0).asString())
                    .contains(id, "set-aside");
            assertThat(second.api().get("/sandboxes").json().path("items")).isEmpty();
        }
    }

    /** It was taken for a sandbox that was half made, and what it led to was emptied. */
    @Test
    void whatIsNoDirectoryOfOursIsSetAsideAndNotEmptied() throws Exception {
        Path kept = Files.createDirectories(places.base().resolve("kept"));
        Files.writeString(kept.resolve("file"), "x");
        Files.createDirectories(places.sandboxes());
        Path link = places.sandboxes().resolve("abcdefghijkl");
        Files.createSymbolicLink(link, kept);
        try (ExternalDaemon daemon = start()) {
            JsonNode recovery = found(daemon.api());
            assertThat(recovery.path("undone").asInt()).isZero();
            assertThat(recovery.path("setAside").path(0).asString()).contains("is no directory");
            assertThat(Files.exists(link, LinkOption.NOFOLLOW_LINKS)).isFalse();
            assertThat(kept.resolve("file")).content().isEqualTo("x");
        }
    }

    /** The daemon did not start, for rmdir of one group was EBUSY. */
    @Test
    void whatCannotBeRemovedIsToldAndTheDaemonStarts() throws Exception {
        Optional<Path> memory =
                Outside.cgroupMounts().stream().filter(each -> each.endsWith("memory")).findFirst();
        assumeThat(memory).as("on cgroup v1 a group that nobody kills by").isPresent();
        Path base = places.cgroupDirectory().resolve("leftbehind12");
        Files.createDirectories(base);
        Path group = memory.orElseThrow().resolve(places.cgroup()).resolve("leftbehind12");
        Files.createDirectories(group);
        try (HostProcess stays = HostProcess.sleeping("exec sleep 1000")) {
            Files.writeString(group.resolve("cgroup.procs"), Integer.toString(stays.pid()));
            try (ExternalDaemon second = start()) {
                assertThat(found(second.api()).path("setAside").path(0).asString())
                        .contains("leftbehind12", "EBUSY");
                JsonNode left = second.api().get("/system/residue").expect(200).json();
                assertThat(left.at("/items/0/kind").asString()).isEqualTo("cgroup");
                assertThat(left.at("/items/0/name").asString()).isEqualTo(base.toString());
                assertThat(left.at("/items/0/problem").asString()).contains("EBUSY");
                JsonNode health = second.api().get("/actuator/health").expect(200).json();
                assertThat(health.at("/components/residue/details/left/0").asString())
                        .contains("leftbehind12");
                Outside.run("kill", Integer.toString(stays.pid()));
                await().untilAsserted(
                                () ->
                                        assertThat(
                                                        second.api()
                                                                .delete("/system/residue")
                                                                .expect(200)
                                                                .json()
                                                                .path("items"))
                                                .isEmpty());
                assertThat(List.of(group, base)).noneMatch(Files::exists);
            }
        }
        try (ExternalDaemon third = start()) {
            assertThat(found(third.api()).path("setAside")).isEmpty();
            assertThat(List.of(group, base)).noneMatch(Files::exists);
        }
    }

    @Test
    void aSecondDaemonIsRefused() throws Exception {
        try (ExternalDaemon first = start()) {
            String id =
                    first.api()
                            .create(
                                    """
                                    {"command": ["sleep", "1000"]}
                                    """);
            // It removed the sandboxes of the first, which it took for half made.
            assertThat(startBeside(places.state(), places.cgroup() + "-other"))
                    .contains("another seahaven runs", "state.lock");
            // It removed their groups, which no sandbox of its own had.
            assertThat(startBeside(places.base().resolve("other-state"), places.cgroup()))
                    .contains("another seahaven runs", places.cgroupDirectory().toString());
            assertThat(status(first.api(), id)).isEqualTo("running");
            first.api()
                    .post(
                            "/runs",
                            """
                            {"command": ["true"]}
                            """)
                    .expect(200);
            first.api().destroy(id);
            org.assertj.core.api.Assertions.assertThatThrownBy(this::start)
                    .isInstanceOf(IllegalStateException.class);
            assertThat(Outside.read("target/" + places.cgroup() + ".log"))
                    .contains("another seahaven runs");
            assertThat(first.api().get("/sandboxes").status()).isEqualTo(200);
        }
    }

    @Test
    void whoWaitsIsAnsweredWhenTheDaemonStops() throws Exception {
        ExternalDaemon daemon = start();
        Api api = daemon.api();
        String id =
                api.create(
                        """
                        {"command": ["sleep", "1000"]}
                        """);
        CompletableFuture<Api.Answer> run =
                CompletableFuture.supplyAsync(
                        () ->
                                api.post(
                                        "/runs",
                                        """
                                        {"command": ["sh", "-c", "echo begun; sleep 1000"]}
                                        """),
                        Thread::startVirtualThread); // the common pool may have one thread alone
        CompletableFuture<Api.Answer> wait =
                CompletableFuture.supplyAsync(
                        () -> api.get("/sandboxes/" + id + "/wait"), Thread::startVirtualThread);
        await().until(() -> places.groups().size() == 2);
        Thread.sleep(500);
        long begun = System.nanoTime();
        daemon.close();
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(6));
        JsonNode ended = run.join().expect(200).json();
        assertThat(ended.path("stdout").asString()).isEqualTo("begun\n");
        assertThat(ended.path("exit").path("reason").asString()).isEqualTo("stopped");
        wait.join().expectProblem(503, "busy");
        assertThat(places.groups()).as("of the run nothing is left").containsExactly(id);
        try (ExternalDaemon second = start()) {
            assertThat(status(second.api(), id)).isEqualTo("running");
            second.api().destroy(id);
        }
    }

    private String startBeside(Path state, String cgroup) throws Exception {
        return Outside.runTo(
                1,
                "target/dist/bin/seahaven",
                "--seahaven.run-directory=" + places.base().resolve("other"),
                "--seahaven.state-directory=" + state,
                "--seahaven.cgroup=" + cgroup,
                "--server.port=0");
    }

    /** What is found, when each sandbox is known. */
    private static JsonNode found(Api api) {
        return await().until(
                        () -> api.get("/system").json().path("recovery"),
                        found -> found.path("undone").isInt());
    }

    /** A pipe in the place of a record keeps the daemon waiting, as a slow disk would. */
    @Test
    void othersAreAnsweredWhileASandboxIsWaitedFor() throws Exception {
        ExternalDaemon first = start();
        String slow = first.api().create(named("slow"));
        first.api().create(named("other"));
        first.kill();
        Path record = places.sandboxes().resolve(slow).resolve("exit");
        Outside.run("mkfifo", record.toString());
        try (ExternalDaemon second = start()) {
            Api api = second.api();
            CompletableFuture<String> told =
                    CompletableFuture.supplyAsync(() -> status(api, "slow"));
            CompletableFuture<Integer> listed =
                    CompletableFuture.supplyAsync(
                            () -> api.get("/sandboxes").json().path("items").size());
            long begun = System.nanoTime();
            assertThat(status(api, "other")).isEqualTo("running");
            api.shell("true");
            String made = api.create(named("made"));
            api.post("/sandboxes", named("slow")).expectProblem(409, "name-taken");
            assertThat(api.get("/system").json().path("recovery").isObject()).isFalse();
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .isLessThan(Duration.ofSeconds(10));
            assertThat(told).isNotDone();
            assertThat(listed).isNotDone();
            Files.writeString(record, "");
            assertThat(told.get(5, TimeUnit.SECONDS)).isEqualTo("running");
            assertThat(listed.get(5, TimeUnit.SECONDS)).isEqualTo(3);
            assertThat(found(api).path("running").asInt()).isEqualTo(2);
            Files.delete(record);
            for (String each : List.of("slow", "other", made)) {
                api.destroy(each);
            }
        }
    }

    private static String named(String name) {
        return """
        {"name": "%s", "command": ["sleep", "1000"]}
        """
                .formatted(name);
    }
}

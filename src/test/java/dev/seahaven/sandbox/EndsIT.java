package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.ExternalDaemon;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import tools.jackson.databind.JsonNode;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What was told of a sandbox stays true, whoever is killed. */
@ExtendWith(NothingLeft.class)
class EndsIT {

    private final TestDaemon.Places places = TestDaemon.newPlaces();

    @AfterEach
    void remove() throws Exception {
        Outside.delete(places.base());
        Files.deleteIfExists(Path.of("target", places.cgroup() + ".log"));
    }

    private ExternalDaemon start() {
        return ExternalDaemon.start(places);
    }

    private static int parent(int pid) {
        return Outside.read("/proc/" + pid + "/status")
                .lines()
                .filter(line -> line.startsWith("PPid:"))
                .mapToInt(line -> Integer.parseInt(line.substring(5).trim()))
                .findFirst()
                .orElseThrow();
    }

    private static void killMonitor(Api api, String sandbox) {
        Outside.run("kill", "-9", "" + parent(api.pid(sandbox)));
        await().until(() -> status(api, sandbox).equals("stopped"));
    }

    private static String status(Api api, String id) {
        return api.get("/sandboxes/" + id).json().path("state").path("status").asString();
    }

    private static JsonNode exit(Api api, String id) {
        return api.get("/sandboxes/" + id).expect(200).exit();
    }

    @Test
    void aSandboxWhoseMonitorWasKilledIsThereAfterARestartWithItsLogAndItsFiles() {
        ExternalDaemon first = start();
        String id =
                first.api()
                        .create(
                                """
                                {
                                  "name": "kept",
                                  "command": ["/bin/sh", "-c", "cat /data; echo 1 >/data; echo logged; sleep 1000"]
                                }
                                """);
        await().until(() -> first.api().get("/sandboxes/kept/logs").text().contains("logged"));
        killMonitor(first.api(), id);
        JsonNode told = exit(first.api(), id);
        assertThat(told.path("reason").asString()).isEqualTo("monitor-lost");
        first.kill();
        try (ExternalDaemon second = start()) {
            Api api = second.api();
            assertThat(exit(api, "kept")).isEqualTo(told);
            assertThat(api.get("/sandboxes/kept/logs").text()).contains("logged");
            api.post("/sandboxes/kept/start").expect(200);
            await().until(() -> api.get("/sandboxes/kept/logs").text().contains("1\nlogged"));
            api.destroy(id);
        }
    }

    /** Init ends as its command has: what it exited with is the last that anybody knows. */
    @ParameterizedTest
    @CsvSource({"7,exited,7", "0,exited,0", "200,monitor-lost,"})
    void whatTheCommandHasExitedWithIsToldWhenTheMonitorDiesBeforeItTells(
            int code, String reason, @Nullable Integer told) {
        try (ExternalDaemon daemon = start()) {
            Api api = daemon.api();
            String id =
                    api.create(
                            """
                            {"command": ["/bin/sh", "-c", "trap 'exit %d' USR1; while :; do sleep 0.01; done"]}
                            """
                                    .formatted(code));
            int init = api.pid(id);
            int monitor = parent(init);
            Outside.run("kill", "-STOP", "" + monitor);
            api.post(
                            "/sandboxes/" + id + "/kill",
                            """
                            {"signal": "USR1"}
                            """)
                    .expect(200);
            await().until(() -> Outside.read("/proc/" + init + "/stat").contains(") Z "));
            Outside.run("kill", "-9", "" + monitor);
            await().until(() -> status(api, id).equals("stopped"));
            boolean known =
                    api.get("/system")
                            .json()
                            .path("features")
                            .valueStream()
                            .filter(each -> each.path("name").asString().equals("pidfd-exit-info"))
                            .allMatch(each -> each.path("present").asBoolean());
            assertThat(exit(api, id).path("reason").asString())
                    .isEqualTo(known ? reason : "monitor-lost");
            assertThat(exit(api, id).path("exitCode").asString(""))
                    .isEqualTo(known && told != null ? "" + told : "");
            api.destroy(id);
        }
    }

    @Test
    void anEndIsToldOfTheLifeThatEndedAndOfNoOther() {
        ExternalDaemon first = start();
        String id =
                first.api()
                        .create(
                                """
                                {"command": ["/bin/sh", "-c", "[ -e /x ] && sleep 1000; echo >/x; exit 5"]}
                                """);
        await().until(() -> status(first.api(), id).equals("stopped"));
        assertThat(exit(first.api(), id).path("exitCode").asInt()).isEqualTo(5);
        first.api().post("/sandboxes/" + id + "/start").expect(200);
        killMonitor(first.api(), id);
        JsonNode told = exit(first.api(), id);
        assertThat(told.path("reason").asString()).isEqualTo("monitor-lost");
        first.kill();
        try (ExternalDaemon second = start()) {
            assertThat(exit(second.api(), id)).isEqualTo(told);
            second.api().destroy(id);
        }
    }

    @Test
    void aStartThatIsRefusedForgetsNothingAndARestartThatIsRefusedEndsNothing() {
        ExternalDaemon first = start();
        Api api = first.api();
        String partner =
                api.create(
                        """
                        {"name": "partner", "command": ["sleep", "1000"]}
                        """);
        String id =
                api.create(
                        """
                        {
                          "command": ["sleep", "1000"],
                          "network": {"mode": "sandbox", "join": "partner"}
                        }
                        """);
        int pid = api.pid(id);
        api.delete("/sandboxes/partner?force=true").expect(204);
        api.post("/sandboxes/" + id + "/restart").expect(400);
        assertThat(api.pid(id)).as("it runs on").isEqualTo(pid);
        assertThat(api.get("/sandboxes/" + partner).status()).isEqualTo(404);

        api.post("/sandboxes/" + id + "/stop", "{\"timeoutSeconds\":1}").expect(200);
        JsonNode told = exit(api, id);
        assertThat(told.path("reason").asString()).isEqualTo("stopped");
        api.post("/sandboxes/" + id + "/start").expect(400);
        assertThat(exit(api, id)).isEqualTo(told);
        first.kill();
        try (ExternalDaemon second = start()) {
            assertThat(exit(second.api(), id)).isEqualTo(told);
            second.api().destroy(id);
        }
    }

    /** Its user namespace lives as long as anybody is in it, or anything holds it. */
    @Test
    void idsOfAUserNamespaceThatLivesAreGivenToNobody() {
        String maps;
        ExternalDaemon first = start();
        Api api = first.api();
        List<String> seen = new ArrayList<>();
        api.create(
                """
                {"name": "gone", "command": ["sleep", "1000"]}
                """);
        String shares =
                api.create(
                        """
                        {
                          "command": ["sleep", "1000"],
                          "network": {"mode": "sandbox", "join": "gone"}
                        }
                        """);
        maps = map(api, shares);
        api.delete("/sandboxes/gone?force=true").expect(204);
        String named =
                api.create(
                        """
                        {"command": ["sleep", "1000"]}
                        """);
        String name = places.cgroup();
        api.post(
                        "/namespaces",
                        "{\"name\":\"%s\",\"type\":\"user\",\"adopt\":{\"pid\":%d}}"
                                .formatted(name, api.pid(named)))
                .expect(201);
        String ofName = map(api, named);
        api.destroy(named);
        seen.add(maps);
        seen.add(ofName);
        first.kill();
        try (ExternalDaemon second = start()) {
            Api after = second.api();
            String later =
                    after.create(
                            """
                            {"command": ["sleep", "1000"]}
                            """);
            assertThat(seen).doesNotContain(map(after, later)).doesNotHaveDuplicates();
            after.delete("/namespaces/user:" + name);
            after.destroy(shares);
            after.destroy(later);
        }
    }

    private static String map(Api api, String id) {
        return Outside.read("/proc/" + api.pid(id) + "/uid_map");
    }

    @Test
    void aChangeInTheMomentOfTheEndIsMadeAndLeavesNoGroup() {
        try (ExternalDaemon daemon = start()) {
            Api api = daemon.api();
            List<String> made = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                String id =
                        api.create(
                                """
                                {"command": ["/bin/sh", "-c", "sleep 0.0%d"]}
                                """
                                        .formatted(i % 5));
                made.add(id);
                for (int limit = 64; limit < 67; limit++) {
                    api.patch(
                                    "/sandboxes/" + id,
                                    "{\"limits\":{\"pids\":%d,\"memoryBytes\":%d}}"
                                            .formatted(limit, (long) limit << 20))
                            .expect(200);
                }
            }
            await().untilAsserted(() -> assertThat(places.groups()).isEmpty());
            for (String each : made) {
                assertThat(Outside.cgroupMounts())
                        .noneMatch(
                                mount ->
                                        Files.exists(mount.resolve(places.cgroup()).resolve(each)));
                api.destroy(each);
            }
        }
    }

    @Test
    void aLaunchWhoseMonitorOrSpawnerIsKilledIsMadeOnceMore() {
        try (ExternalDaemon daemon = start()) {
            Api api = daemon.api();
            Thread killer =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int i = 0; i < 30; i++) {
                                            killLauncher(daemon, i % 3 == 0);
                                        }
                                    });
            while (killer.isAlive()) {
                String id =
                        api.create(
                                """
                                {"start": true, "command": ["sleep", "1000"]}
                                """);
                api.destroy(id);
            }
            assertThat(api.shell("echo whole")).isEqualTo("whole\n");
        }
    }

    private static void killLauncher(ExternalDaemon daemon, boolean spawner) {
        try {
            Thread.sleep(40);
            for (int each : Outside.children((int) daemon.pid())) {
                for (int victim : spawner ? List.of(each) : Outside.children(each)) {
                    String comm = Outside.read("/proc/" + victim + "/comm").trim();
                    if (spawner || comm.equals("seahaven-idle")) {
                        new ProcessBuilder("kill", "-9", "" + victim).start().waitFor();
                    }
                }
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aDaemonThatIsKilledLeavesNoDirectoryOfItsWebServer() throws Exception {
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        List<Path> before = tomcats(temporary);
        start().kill();
        try (ExternalDaemon second = start()) {
            assertThat(second.api().get("/sandboxes").status()).isEqualTo(200);
            assertThat(tomcats(temporary)).isEqualTo(before);
        }
    }

    private static List<Path> tomcats(Path directory) throws Exception {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(path -> path.getFileName().toString().startsWith("tomcat"))
                    .sorted()
                    .toList();
        }
    }
}

package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.launcher.Launcher;
import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

@ExtendWith(NothingLeft.class)
class OperationsIT {

    private final Api api = TestDaemon.shared().api();

    @Test
    void healthHasTheKernelAsAComponent() {
        JsonNode health = api.get("/actuator/health").expect(200).json();
        assertThat(health.path("status").asString()).isEqualTo("UP");
        assertThat(
                        health.path("components")
                                .path("diskSpace")
                                .path("details")
                                .path("path")
                                .asString())
                .isEqualTo(TestDaemon.shared().places().state().toString());
        JsonNode kernel = health.path("components").path("kernel");
        assertThat(kernel.path("status").asString()).isEqualTo("UP");
        assertThat(kernel.path("details").path("kernel").asString()).isNotBlank();
    }

    /** A spawner that hangs is no daemon that is well; the watchdog asks this group. */
    @Test
    void aLauncherThatDoesNotAnswerIsToldAndSoIsThatItDoes() throws Exception {
        try (TestDaemon daemon = TestDaemon.start()) {
            Api own = daemon.api();
            own.get("/actuator/health/watchdog").expect(200);
            int spawner = daemon.bean(Launcher.class).spawnerPid();
            List<Integer> all = new ArrayList<>(Outside.children(spawner));
            all.addFirst(spawner);
            all.forEach(pid -> Outside.run("kill", "-STOP", pid.toString()));
            try {
                await().untilAsserted(
                                () ->
                                        assertThat(
                                                        own.get("/actuator/health/watchdog")
                                                                .expect(503)
                                                                .json()
                                                                .path("components")
                                                                .path("launcher")
                                                                .path("status")
                                                                .asString())
                                                .isEqualTo("DOWN"));
            } finally {
                all.forEach(pid -> Outside.run("kill", "-CONT", pid.toString()));
            }
            await().untilAsserted(() -> own.get("/actuator/health/watchdog").expect(200));
        }
    }

    /** Nobody needs a token to ask, and each question to the launcher costs it a process. */
    @Test
    void manyQuestionsForHealthAreOneToTheLauncher() throws Exception {
        try (TestDaemon daemon = TestDaemon.start()) {
            Api own = daemon.api();
            int spawner = daemon.bean(Launcher.class).spawnerPid();
            await().untilAsserted(
                            () -> {
                                own.get("/actuator/health").expect(200);
                                List<Integer> waiting = Outside.children(spawner);
                                for (int i = 0; i < 5; i++) {
                                    own.get("/actuator/health").expect(200);
                                }
                                assertThat(Outside.children(spawner))
                                        .containsAnyElementsOf(waiting);
                            });
        }
    }

    @Test
    void systemTellsEveryKernelFeature() {
        JsonNode system = api.get("/system").expect(200).json();
        assertThat(system.path("version").asString()).isNotBlank();
        assertThat(system.path("kernel").asString()).isEqualTo(System.getProperty("os.version"));
        assertThat(system.path("cgroups").asString()).isIn("v1", "v2", "hybrid");
        assertThat(system.path("features").size()).isGreaterThan(20);
        for (JsonNode feature : system.path("features")) {
            assertThat(feature.path("without").asString()).isNotBlank();
            if (feature.path("essential").asBoolean()) {
                assertThat(feature.path("present").asBoolean()).as(feature.toString()).isTrue();
            }
        }
    }

    @Test
    void eachPhaseOfALaunchHasAHistogram() {
        api.shell("true");
        String metrics = api.get("/actuator/prometheus").expect(200).text();
        for (String phase : new String[] {"claim", "clone", "maps", "root", "setup", "total"}) {
            assertThat(metrics)
                    .contains(
                            "seahaven_sandbox_launch_phase_seconds_bucket{phase=\"" + phase + "\"");
        }
        assertThat(metrics)
                .contains("seahaven_sandbox_exits_total{reason=\"exited\"}")
                .contains("seahaven_sandboxes ");
        assertThat(
                        api.get("/actuator/info")
                                .expect(200)
                                .json()
                                .path("build")
                                .path("name")
                                .asString())
                .isEqualTo("seahaven");
        for (String closed : new String[] {"env", "heapdump", "shutdown", "beans"}) {
            api.get("/actuator/" + closed).expect(404);
        }
    }

    /** With {@code -Dopenapi.write} it writes the file instead. */
    @Test
    void theCommittedDescriptionIsWhatTheDaemonSays() throws Exception {
        String served = api.get("/v3/api-docs.yaml").expect(200).text();
        Path committed = Path.of("openapi/openapi.yaml");
        if (System.getProperty("openapi.write") != null) {
            Files.writeString(committed, served);
        }
        assertThat(committed).content().isEqualTo(served);
        assertThat(served).startsWith("openapi: 3.1");
    }
}

package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.ExternalDaemon;
import dev.seahaven.testing.KilledDaemon;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

@ExtendWith(NothingLeft.class)
class KilledDaemonIT {

    private static final int STEPS_MAX = 60;

    @Test
    void killedBetweenAnyTwoStepsOfACreationItLeavesNothingHalfMade() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        int step = 1;
        boolean answered = false;
        int whole = 0;
        while (!answered) {
            assertThat(step).isLessThan(STEPS_MAX);
            try (ExternalDaemon daemon =
                    KilledDaemon.start(places, KilledDaemon.Work.CREATION, step)) {
                whole += checkNothingHalfMade(daemon.api(), places);
                answered = createdOrKilled(daemon);
                if (answered) {
                    daemon.kill();
                }
            }
            step++;
        }
        try (ExternalDaemon daemon = ExternalDaemon.start(places)) {
            whole += checkNothingHalfMade(daemon.api(), places);
        }
        assertThat(step).as("steps that were tried").isGreaterThan(12);
        // Killed after the command was executed, the sandbox is whole and kept.
        assertThat(whole).isPositive();
        assertThat(places.cgroupDirectory()).doesNotExist();
        Outside.delete(places.base());
        Files.deleteIfExists(Path.of("target", places.cgroup() + ".log"));
    }

    /** Steps of even numbers find it paused, and leave it so. */
    @Test
    void killedBetweenAnyTwoStepsOfAChangeItHasMadeAllOfItOrNothing() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        String id;
        try (ExternalDaemon daemon = ExternalDaemon.start(places)) {
            id =
                    daemon.api()
                            .create(
                                    """
                                    {"limits": {"openFiles": 2000, "pids": 500}, "command": ["sleep", "1000"]}
                                    """);
        }
        Set<Boolean> seen = new HashSet<>();
        int step = 1;
        boolean answered = false;
        while (!answered) {
            assertThat(step).isLessThan(STEPS_MAX);
            boolean paused = step % 2 == 0;
            try (ExternalDaemon daemon =
                    KilledDaemon.start(places, KilledDaemon.Work.CHANGE, step)) {
                boolean changed = isChanged(daemon.api(), id, step - 1);
                if (step > 1) {
                    seen.add(changed);
                }
                if (paused) {
                    daemon.api().post("/sandboxes/" + id + "/pause").expect(200);
                } else if (step > 1) {
                    daemon.api().post("/sandboxes/" + id + "/resume").expect(200);
                }
                answered = changedOrKilled(daemon, id, step);
            }
            step++;
        }
        try (ExternalDaemon daemon = ExternalDaemon.start(places)) {
            assertThat(isChanged(daemon.api(), id, step - 1)).isTrue();
            daemon.api().destroy(id);
        }
        assertThat(step).as("steps that were tried").isGreaterThan(8);
        assertThat(seen).as("all of it, and nothing").containsExactlyInAnyOrder(true, false);
        Outside.delete(places.base());
        Files.deleteIfExists(Path.of("target", places.cgroup() + ".log"));
    }

    @Test
    void killedBetweenAnyTwoStepsOfADeletionItHasDeletedAllOfItOrNothing() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        String body =
                """
                {"name": "gone", "command": ["/bin/sh", "-c", "mkdir /d; echo 1 >/d/a; echo logged; sleep 1000"]}
                """;
        int step = 1;
        boolean answered = false;
        while (!answered) {
            assertThat(step).isLessThan(STEPS_MAX);
            try (ExternalDaemon daemon =
                    KilledDaemon.start(places, KilledDaemon.Work.DELETION, step)) {
                Api api = daemon.api();
                if (api.get("/sandboxes/gone").status() == 404) {
                    assertThat(names(places.sandboxes())).isEmpty();
                    await().untilAsserted(
                                    () ->
                                            assertThat(names(places.state().resolve("removed")))
                                                    .isEmpty());
                    api.create(body);
                } else {
                    assertThat(api.get("/sandboxes/gone/logs").text()).contains("logged");
                    if (!api.get("/sandboxes/gone")
                            .json()
                            .path("state")
                            .path("status")
                            .asString()
                            .equals("running")) {
                        api.post("/sandboxes/gone/start").expect(200);
                    }
                }
                await().until(() -> api.get("/sandboxes/gone/logs").text().contains("logged"));
                answered = deletedOrKilled(daemon);
            }
            step++;
        }
        assertThat(step).as("steps that were tried").isGreaterThan(4);
        try (ExternalDaemon daemon = ExternalDaemon.start(places)) {
            assertThat(daemon.api().get("/sandboxes").json().path("total").asInt()).isZero();
        }
        Outside.delete(places.base());
        Files.deleteIfExists(Path.of("target", places.cgroup() + ".log"));
    }

    private static boolean deletedOrKilled(ExternalDaemon daemon) {
        try {
            daemon.api().delete("/sandboxes/gone?force=true").expect(204);
            return true;
        } catch (UncheckedIOException e) {
            daemon.awaitEnd();
            return false;
        }
    }

    private static boolean changedOrKilled(ExternalDaemon daemon, String id, int step) {
        try {
            daemon.api()
                    .patch(
                            "/sandboxes/" + id,
                            """
                            {"limits": {"openFiles": %d, "pids": %d}}
                            """
                                    .formatted(2000 - step, 500 - step))
                    .expect(200);
            return true;
        } catch (UncheckedIOException e) {
            daemon.awaitEnd();
            return false;
        }
    }

    /** Whether the last step is in force: in what the daemon tells, and in the kernel. */
    private static boolean isChanged(Api api, String id, int step) {
        JsonNode sandbox = api.get("/sandboxes/" + id).expect(200).json();
        int openFiles = sandbox.path("limits").path("openFiles").asInt();
        int pids = sandbox.path("limits").path("pids").asInt();
        assertThat(2000 - openFiles).as("changed together").isEqualTo(500 - pids);
        assertThat(sandbox.path("state").path("status").asString())
                .isEqualTo(step > 0 && step % 2 == 0 ? "paused" : "running");
        Path processes = Outside.group(api.pid(id), "pids").resolve("cgroup.procs");
        assertThat(Outside.read(processes.toString()).lines())
                .as("init had a higher limit than the command")
                .anySatisfy(
                        pid ->
                                assertThat(Outside.read("/proc/" + pid + "/limits"))
                                        .containsPattern("Max open files +" + openFiles + " "));
        assertThat(Outside.group(api.pid(id), "pids").resolve("pids.max"))
                .content()
                .isEqualToIgnoringWhitespace(Integer.toString(pids));
        return openFiles == 2000 - step;
    }

    private static boolean createdOrKilled(ExternalDaemon daemon) {
        try {
            daemon.api()
                    .create(
                            """
                            {"name": "half", "command": ["sleep", "1000"]}
                            """);
            return true;
        } catch (UncheckedIOException e) {
            daemon.awaitEnd();
            return false;
        }
    }

    /**
     * Whatever is there is whole: running, or not there at all. Returns how many there were;
     * afterwards there is none.
     */
    private static int checkNothingHalfMade(Api api, TestDaemon.Places places) throws Exception {
        JsonNode all = api.get("/sandboxes").expect(200).json().path("items");
        assertThat(all.size()).isLessThanOrEqualTo(1);
        List<String> groups = places.groups();
        assertThat(groups).hasSize(all.size());
        for (JsonNode sandbox : all) {
            assertThat(sandbox.path("state").path("status").asString()).isEqualTo("running");
            assertThat(groups).containsExactly(sandbox.path("id").asString());
            api.destroy(sandbox.path("id").asString());
        }
        await().untilAsserted(
                        () -> {
                            assertThat(places.groups()).isEmpty();
                            assertThat(names(places.sandboxes())).isEmpty();
                            assertThat(names(places.run().resolve("sandboxes"))).isEmpty();
                            assertThat(
                                            api.get("/actuator/metrics/seahaven.id.ranges.used")
                                                    .json()
                                                    .path("measurements")
                                                    .path(0)
                                                    .path("value")
                                                    .asDouble())
                                    .isZero();
                        });
        return all.size();
    }

    private static List<String> names(Path directory) throws Exception {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(path -> Files.isDirectory(path) || !directory.startsWith("/sys"))
                    .map(path -> path.getFileName().toString())
                    .toList();
        }
    }
}

package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import tools.jackson.databind.JsonNode;

import java.io.UncheckedIOException;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** Limits hold, change while it runs, and leave evidence. */
@ExtendWith(NothingLeft.class)
class LimitsIT {

    private static final String SLEEPER =
            """
            {"command": ["sleep", "60"]}
            """;

    private final Api api = TestDaemon.shared().api();

    private JsonNode bomb(String name, String members) {
        return api.post(
                        "/runs",
                        "{\"command\":[\""
                                + Outside.doors()
                                + "\",\""
                                + name
                                + "\"],\"timeoutSeconds\":5"
                                + (members.isEmpty() ? "" : "," + members)
                                + "}")
                .expect(200)
                .json();
    }

    private Api.Answer patch(String id, String body) {
        return api.patch("/sandboxes/" + id, body);
    }

    private static String file(Path group, String name) throws Exception {
        return Files.readString(group.resolve(name)).trim();
    }

    @Test
    void theDefaultsAreSetInTheKernel() throws Exception {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        int pid = api.pid(id);
        assertThat(file(Outside.group(pid, "pids"), "pids.max")).isEqualTo("512");
        Path memory = Outside.group(pid, "memory");
        boolean v1 = Files.exists(memory.resolve("memory.limit_in_bytes"));
        assertThat(file(memory, v1 ? "memory.limit_in_bytes" : "memory.max"))
                .isEqualTo(Long.toString(1L << 30));
        if (v1 && Files.exists(memory.resolve("memory.memsw.limit_in_bytes"))) {
            assertThat(file(memory, "memory.memsw.limit_in_bytes"))
                    .isEqualTo(Long.toString(1L << 30));
        }
        int command = Outside.children(pid).getFirst();
        assertThat(Outside.read("/proc/" + command + "/limits"))
                .containsPattern("Max open files +1024 +1024")
                .containsPattern("Max core file size +1 +1");
        api.destroy(id);
        assertThat(memory).doesNotExist();
    }

    @Test
    void aMemoryBombIsKilledAndToldFromAPlainKill() {
        JsonNode exit = bomb("bomb-memory", "\"limits\":{\"memoryBytes\":33554432}").path("exit");
        assertThat(exit.path("reason").asString()).as(exit.toString()).isEqualTo("out-of-memory");
        assertThat(exit.path("signal").asString()).isEqualTo("KILL");
        assertThat(exit.path("evidence").path("oomKills").asInt()).isPositive();
        JsonNode plain =
                api.post(
                                "/runs",
                                """
                                {"command": ["sh", "-c", "kill -KILL $$"]}
                                """)
                        .expect(200)
                        .json()
                        .path("exit");
        assertThat(plain.path("reason").asString()).isEqualTo("signaled");
        assertThat(plain.path("evidence").path("oomKills").asInt()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "bomb-fork, '\"limits\":{\"pids\":64}', timed-out",
        "bomb-memory, '\"limits\":{\"memoryBytes\":67108864}', out-of-memory",
        "bomb-disk, '\"limits\":{\"diskBytes\":8388608}', exited",
        "bomb-descriptors, '', exited",
        "bomb-log, '', output-limit",
    })
    void aBombMeetsItsLimitAndOthersDoNotNotice(String name, String limits, String reason)
            throws Exception {
        String calm =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        CompletableFuture<JsonNode> bomb = CompletableFuture.supplyAsync(() -> bomb(name, limits));
        for (int i = 0; i < 10 && (i < 3 || !bomb.isDone()); i++) {
            long begun = System.nanoTime();
            assertThat(api.shell("echo calm")).isEqualTo("calm\n");
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .isLessThan(Duration.ofSeconds(3));
            Thread.sleep(100);
        }
        JsonNode exit = bomb.join().path("exit");
        assertThat(exit.path("reason").asString()).as(exit.toString()).isEqualTo(reason);
        if (reason.equals("timed-out")) {
            assertThat(exit.path("evidence").path("pidsRefused").asLong()).isPositive();
        }
        JsonNode state = api.get("/sandboxes/" + calm).expect(200).json().path("state");
        assertThat(state.path("status").asString()).isEqualTo("running");
        api.destroy(calm);
    }

    /** In memory, so that the disk of this host is not what is filled. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "cat /dev/zero > /x; exec sleep 60 | true",
                "cat /dev/zero > /x$(printf '\\377'); exec sleep 60 | true",
                "perl -e '$d = q(d)x200; for (1..25) { mkdir $d; chdir $d or die } open F, q(>x);"
                        + " 1 while syswrite F, q(x)x65536; sleep 60' | true",
                "exec 3> /x; rm /x; cat /dev/zero >&3; exec sleep 60 | false",
                "exec DOORS bomb-flight | false",
                "perl -e '1 while symlink q(x), q(/x).$i++; sleep 60' | true",
                "perl -e '1 while mkdir q(/x).$i++; sleep 60' | true",
                "perl -e '1 while open F, q(>/x).$i++; sleep 60' | true",
            })
    void whoFillsTheDiskOfAllIsEndedAndTheOthersAreNot(String fill, boolean keeps)
            throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        Files.createDirectories(places.base());
        Outside.run(
                "mount",
                "-t",
                "tmpfs",
                "-o",
                "size=64m,nr_inodes=20000",
                "none",
                places.base().toString());
        try (TestDaemon daemon = TestDaemon.at(places)) {
            Api own = daemon.api();
            String calm =
                    own.create(
                            """
                            {"command": ["sleep", "60"]}
                            """);
            String command = fill.replace("DOORS", Outside.doors());
            String bomb = own.create("{\"command\":[\"sh\",\"-c\"," + Api.quoted(command) + "]}");
            JsonNode exit = own.get("/sandboxes/" + bomb + "/wait").expect(200).json();
            assertThat(exit.path("reason").asString()).as(exit.toString()).isEqualTo("disk-limit");
            assertThat(own.get("/sandboxes/" + calm).json().path("state").path("status").asString())
                    .isEqualTo("running");
            if (keeps) {
                Api.Answer refused =
                        own.post(
                                "/sandboxes",
                                """
                                {"command": ["true"]}
                                """);
                refused.expectProblem(503, "exhausted");
                assertThat(refused.header("Retry-After")).isNotBlank();
            }
            own.destroy(bomb);
            own.post(
                            "/sandboxes",
                            """
                            {"command": ["true"]}
                            """)
                    .expect(201);
            daemon.destroyAll();
            daemon.keepPlaces();
        } finally {
            await().untilAsserted(() -> Outside.run("umount", places.base().toString()));
            Outside.delete(places.base());
        }
    }

    /** Where somebody else fills it, and no reserve is kept. */
    @Test
    void aFullDiskIsSaidToBeFullAndNothingIsLeftHalfMade() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        Files.createDirectories(places.base());
        Outside.run("mount", "-t", "tmpfs", "-o", "size=16m", "none", places.base().toString());
        Path filler = places.base().resolve("filler");
        try (TestDaemon daemon = TestDaemon.at(places, "--seahaven.sandbox.disk-reserve=0B")) {
            Api own = daemon.api();
            String id = own.create(SLEEPER);
            Outside.runTo(1, "dd", "if=/dev/zero", "of=" + filler, "bs=4k", "status=none");
            own.post("/sandboxes", SLEEPER).expectProblem(503, "exhausted");
            Api.Answer refused =
                    own.send(
                            own.request("/runs")
                                    .header("Idempotency-Key", "full")
                                    .header("Content-Type", "application/json")
                                    .POST(HttpRequest.BodyPublishers.ofString(SLEEPER)));
            refused.expectProblem(503, "exhausted");
            assertThat(refused.header("Retry-After")).isNotBlank();
            own.post(
                            "/namespaces",
                            """
                            {"name": "full", "type": "uts"}
                            """)
                    .expectProblem(503, "exhausted");
            own.patch(
                            "/sandboxes/" + id,
                            """
                            {"name": "renamed"}
                            """)
                    .expectProblem(503, "exhausted");
            assertThat(own.get("/sandboxes").json().path("items").size()).isEqualTo(1);
            assertThat(own.get("/namespaces/uts:full").status()).isEqualTo(404);
            Files.delete(filler);
            assertThat(own.get("/sandboxes/" + id).json().path("name").isString()).isFalse();
            own.destroy(own.create(SLEEPER));
            own.destroy(id);
            try (Stream<Path> kept = Files.list(places.sandboxes())) {
                assertThat(kept).isEmpty();
            }
            daemon.keepPlaces();
        } finally {
            await().untilAsserted(() -> Outside.run("umount", places.base().toString()));
            Outside.delete(places.base());
        }
    }

    /** One that is half forked has its parent's old limit, and is in no list yet. */
    @RepeatedTest(5)
    void aLimitOfEachProcessReachesThoseThatFork() {
        String id =
                api.create(
                        """
                        {"command": ["bash", "-c", "while :; do sleep 5 & sleep 0.002; done"]}
                        """);
        patch(
                        id,
                        """
                        {"limits": {"openFiles": 99}}
                        """)
                .expect(200);
        for (int process : processes(id)) {
            assertThat(limits(process)).containsPattern("Max open files +99 +99");
        }
        // What cannot be raised is refused before anything else was lowered.
        patch(
                        id,
                        """
                        {"limits": {"openFiles": 200, "rlimits": {"nproc": 100}}}
                        """)
                .expect(400);
        assertThat(limits(processes(id).getFirst())).doesNotContainPattern("Max processes +100 ");
        assertThat(frozen(id)).isFalse();
        api.destroy(id);
    }

    @Test
    void whatIsPausedStaysPausedWithItsNewLimits() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        api.post("/sandboxes/" + id + "/pause", "").expect(200);
        patch(
                        id,
                        """
                        {"limits": {"openFiles": 99}}
                        """)
                .expect(200);
        assertThat(limits(api.pid(id))).containsPattern("Max open files +99 +99");
        assertThat(frozen(id)).isTrue();
        api.destroy(id);
    }

    private boolean frozen(String id) {
        Path group = TestDaemon.shared().places().cgroupDirectory().resolve(id);
        return Outside.read(group.resolve("cgroup.events").toString()).contains("frozen 1");
    }

    private List<Integer> processes(String id) {
        return Outside.read(Outside.group(api.pid(id), "pids").resolve("cgroup.procs").toString())
                .lines()
                .map(Integer::parseInt)
                .toList();
    }

    private static String limits(int process) {
        try {
            return Outside.read("/proc/" + process + "/limits");
        } catch (UncheckedIOException e) {
            return "Max open files 99 99"; // it has ended
        }
    }

    @Test
    void whatGetrlimitKnowsIsLimited() {
        JsonNode run =
                api.post(
                                "/runs",
                                """
                                {
                                  "command": [
                                      "bash",
                                      "-c",
                                      "head -c 5000 /dev/zero > /tmp/x; stat -c %s /tmp/x; ulimit -S -t -s"
                                    ],
                                  "limits": {"rlimits": {"fsize": 4096, "cpu": 7, "stack": 1048576}}
                                }
                                """)
                        .expect(200)
                        .json();
        assertThat(run.path("stdout").asString())
                .as(run.toString())
                .startsWith("4096\n")
                .containsPattern("cpu time .*7\n")
                .containsPattern("stack size .*1024\n");
    }

    @Test
    void descriptorsDisksAndLogsHaveAnEnd() {
        assertThat(bomb("bomb-descriptors", "").path("stdout").asString())
                .isEqualTo("1021 EMFILE\n");
        JsonNode disk = bomb("bomb-disk", "\"limits\":{\"diskBytes\":8388608}");
        String[] words = disk.path("stdout").asString().trim().split(" ");
        assertThat(Long.parseLong(words[0])).isBetween(7L << 20, 8L << 20);
        assertThat(words[1]).isEqualTo("ENOSPC");
        assertThat(bomb("bomb-disk", "").path("stdout").asString()).endsWith("ENOSPC\n");
        assertThat(bomb("bomb-log", "").path("exit").path("reason").asString())
                .isEqualTo("output-limit");
    }

    @Test
    void aSandboxesWritableLayerHasTheSizeThatWasAskedFor() {
        String id =
                api.create(
                        "{\"command\":[\""
                                + Outside.doors()
                                + "\",\"bomb-disk\"],\"limits\":{\"diskBytes\":4194304}}");
        api.get("/sandboxes/" + id + "/wait").expect(200);
        assertThat(api.get("/sandboxes/" + id + "/logs").text()).endsWith("ENOSPC\n");
        api.destroy(id);
    }

    @Test
    void aKeptSandboxKeepsTheEvidence() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        String[] where = places.arguments(0).toArray(String[]::new);
        String id;
        try (TestDaemon daemon = TestDaemon.at(places, where)) {
            id =
                    daemon.api()
                            .create(
                                    "{\"command\":[\""
                                            + Outside.doors()
                                            + "\",\"bomb-memory\"],\"limits\":{\"memoryBytes\":33554432}}");
            daemon.api().get("/sandboxes/" + id + "/wait").expect(200);
            daemon.keepPlaces();
        }
        try (TestDaemon daemon = TestDaemon.at(places, where)) {
            JsonNode exit = daemon.api().get("/sandboxes/" + id).json().path("state").path("exit");
            assertThat(exit.path("reason").asString())
                    .as(exit.toString())
                    .isEqualTo("out-of-memory");
            daemon.api().destroy(id);
        }
    }

    @Test
    void timeAndProcessorsAreLimited() throws Exception {
        JsonNode half =
                api.post(
                                "/runs",
                                """
                                {
                                  "command": ["sh", "-c", "nproc; while :; do :; done"],
                                  "timeoutSeconds": 2,
                                  "limits": {"cpus": 0.25, "cpuset": "0"}
                                }
                                """)
                        .expect(200)
                        .json();
        assertThat(half.path("stdout").asString()).isEqualTo("1\n");
        assertThat(half.path("usage").path("cpuMillis").asDouble()).isBetween(200.0, 900.0);
    }

    @Test
    void limitsChangeWhileItRuns() throws Exception {
        String id =
                api.create(
                        """
                        {"name": "elastic", "command": ["sleep", "60"]}
                        """);
        int pid = api.pid(id);
        int command = Outside.children(pid).getFirst();
        patch(
                        id,
                        """
                        {
                          "labels": {"a": "b"},
                          "limits": {"pids": 20, "memoryBytes": 67108864, "cpus": 0.5, "openFiles": 100}
                        }
                        """)
                .expect(200);
        assertThat(file(Outside.group(pid, "pids"), "pids.max")).isEqualTo("20");
        Path memory = Outside.group(pid, "memory");
        boolean v1 = Files.exists(memory.resolve("memory.limit_in_bytes"));
        String limit = v1 ? "memory.limit_in_bytes" : "memory.max";
        assertThat(file(memory, limit)).isEqualTo("67108864");
        Path cpu = Outside.group(pid, "cpu");
        assertThat(cpu.toString()).endsWith("/" + id);
        assertThat(Outside.group(command, "cpu")).isEqualTo(cpu);
        assertThat(v1 ? file(cpu, "cpu.cfs_quota_us") : file(cpu, "cpu.max")).startsWith("50000");
        assertThat(Outside.read("/proc/" + command + "/limits"))
                .containsPattern("Max open files +100 +100");
        JsonNode now = api.get("/sandboxes/elastic").expect(200).json();
        assertThat(now.path("limits").path("pids").asInt()).isEqualTo(20);
        assertThat(now.path("labels").path("a").asString()).isEqualTo("b");
        // Back up, and to the defaults.
        patch(
                        id,
                        """
                        {"limits": {"memoryBytes": 134217728, "pids": null, "cpus": null}}
                        """)
                .expect(200);
        assertThat(file(memory, limit)).isEqualTo("134217728");
        assertThat(file(Outside.group(pid, "pids"), "pids.max")).isEqualTo("512");
        assertThat(v1 ? file(cpu, "cpu.cfs_quota_us") : file(cpu, "cpu.max"))
                .startsWith(v1 ? "-1" : "max");
        patch(
                        id,
                        """
                        {"limits": {"pids": 0}}
                        """)
                .expectViolation("limits.pids");
        for (String wrong :
                List.of(
                        "\"pids\":true",
                        "\"memoryBytes\":\"8388608\"",
                        "\"memoryBytes\":{}",
                        "\"memoryByte\":8388608",
                        "\"cpus\":[1]",
                        "\"io\":{\"a\":1}",
                        "\"rlimits\":[]")) {
            // What it took for nothing given was set to the default.
            patch(id, "{\"limits\":{" + wrong + "}}")
                    .expectViolation("limits." + wrong.replaceAll("\"(\\w+)\".*", "$1"));
        }
        patch(
                        id,
                        """
                        {"limits": {"io": [{"device": "1:1", "readBytes": 5}]}}
                        """)
                .expectViolation("limits.io[0].readBytes");
        patch(
                        id,
                        """
                        {"labels": {"": "x"}}
                        """)
                .expectViolation("labels.");
        assertThat(file(Outside.group(pid, "pids"), "pids.max")).isEqualTo("512");
        patch(
                        id,
                        """
                        {"command": ["true"]}
                        """)
                .expectViolation("command");
        patch(
                        id,
                        """
                        {"limits": {"diskBytes": 1048576}}
                        """)
                .expectViolation("limits.diskBytes");
        // Nothing was done before it was found that this cannot be; init had the new limit.
        patch(
                        id,
                        """
                        {"limits": {"openFiles": 200, "cpuset": "0"}}
                        """)
                .expect(400);
        assertThat(limits(pid)).containsPattern("Max open files +100 +100");
        if (v1) {
            assertThat(Outside.group(pid, "cpuset").toString()).doesNotEndWith("/" + id);
        }
        if (patch(
                                id,
                                """
                                {"limits": {"memoryBytes": 100663296, "ioWeight": 7}}
                                """)
                        .status()
                == 200) {
            patch(
                            id,
                            """
                            {"limits": {"memoryBytes": 134217728, "ioWeight": null}}
                            """)
                    .expect(200);
        } else { // all or nothing
            assertThat(file(memory, limit)).isEqualTo("134217728");
        }
        patch(
                        id,
                        """
                        {"name": "rubber"}
                        """)
                .expect(200);
        api.get("/sandboxes/rubber").expect(200);
        api.get("/sandboxes/elastic").expect(404);
        assertThat(file(memory, limit)).isEqualTo("134217728");
        api.destroy(id);
    }

    @Test
    void statisticsAreTheKernels() {
        String id =
                api.create(
                        """
                        {
                          "command": ["sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 60"]

                        }
                        """);
        await().untilAsserted(
                        () -> {
                            JsonNode stats =
                                    api.get("/sandboxes/" + id + "/stats").expect(200).json();
                            assertThat(stats.path("cpu").path("usageMillis").asDouble())
                                    .as(stats.toString())
                                    .isGreaterThan(20);
                            assertThat(stats.path("memory").path("usageBytes").asLong())
                                    .isGreaterThan(100_000);
                            assertThat(stats.path("pids").path("current").asInt()).isEqualTo(3);
                            assertThat(stats.path("network").path("lo").isObject()).isTrue();
                            assertThat(stats.path("pressure").path("cpu").path("some").isObject())
                                    .isTrue();
                        });
        api.destroy(id);
    }

    @Test
    void metricsHaveNoLabelForEachSandboxUnlessThatIsConfigured() throws Exception {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        assertThat(api.get("/actuator/prometheus").expect(200).text())
                .containsPattern("seahaven_sandboxes_memory_bytes [1-9]")
                .containsPattern("seahaven_sandboxes_pids [1-9]")
                .containsPattern("seahaven_sandboxes_cpu_seconds_total [0-9]")
                .doesNotContain(id);
        api.destroy(id);
        TestDaemon.Places places = TestDaemon.newPlaces();
        List<String> where = new ArrayList<>(places.arguments(0));
        where.add("--seahaven.metrics.per-sandbox=true");
        try (TestDaemon daemon = TestDaemon.at(places, where.toArray(String[]::new))) {
            String one =
                    daemon.api()
                            .create(
                                    """
                                    {"command": ["sleep", "60"]}
                                    """);
            assertThat(daemon.api().get("/actuator/prometheus").text())
                    .contains("seahaven_sandbox_memory_bytes{sandbox=\"" + one + "\"}");
            daemon.api().destroy(one);
            assertThat(daemon.api().get("/actuator/prometheus").text()).doesNotContain(one);
        }
    }

    @Test
    void whatTheHostCannotLimitIsRefusedByName() {
        JsonNode controllers = api.get("/system").json().path("controllers");
        assertThat(controllers.path("memory").asString()).isIn("v1", "v2");
        if (controllers.path("hugetlb").asString().equals("none")
                && Files.isDirectory(Path.of("/sys/kernel/mm/hugepages/hugepages-2048kB"))) {
            Api.Answer answer =
                    api.post(
                            "/runs",
                            """
                            {"command": ["true"], "limits": {"hugepageBytes": {"2MB": 4194304}}}
                            """);
            answer.expectProblem(501, "unsupported-feature");
            assertThat(answer.json().path("feature").asString()).isEqualTo("cgroup-hugetlb");
        }
    }
}

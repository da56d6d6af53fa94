package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.ExternalDaemon;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import tools.jackson.databind.JsonNode;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What programs expect of the world that they are in. */
@ExtendWith(NothingLeft.class)
class InsideIT {

    private final Api api = TestDaemon.shared().api();

    private JsonNode run(String more, String shell) {
        return run(api, more, shell);
    }

    private static JsonNode run(Api api, String more, String shell) {
        return api.post(
                        "/runs",
                        "{\"command\":[\"/bin/sh\",\"-c\"," + Api.quoted(shell) + "]" + more + "}")
                .expect(200)
                .json();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0:0", "1000:1000", "nobody"})
    void standardOutputCanBeOpenedAgainByAnyUser(String user) {
        JsonNode result =
                run(
                        ",\"user\":\"" + user + "\"",
                        "echo out >/dev/stdout; echo err >/dev/stderr; echo more"
                                + " >>/proc/self/fd/1");
        assertThat(result.path("stdout").asString()).as("" + result).isEqualTo("out\nmore\n");
        assertThat(result.path("stderr").asString()).isEqualTo("err\n");
    }

    /** What nobody waits for does not show in the usage of those who are waited for. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "timeout 0.3 sh -c 'while :; do :; done' & sleep 0.4",
                "setsid timeout 0.3 sh -c 'while :; do :; done' & sleep 0.4",
                "trap '' CHLD; timeout 0.3 sh -c 'while :; do :; done'"
            })
    void timeOfProcessorsIsThatOfAllWhoeverWaits(String shell) {
        assertThat(run("", shell).path("usage").path("cpuMillis").asDouble()).isGreaterThan(150);
    }

    @Test
    void theDaemonsOwnStateReachesNobody() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        String state =
                "taskset -pc 0 $$ >/dev/null; ulimit -S -s 4096; umask 077; trap '' USR1 HUP 34;"
                        + " ulimit -S -u 5000; echo 9000 >/proc/self/timerslack_ns";
        try (ExternalDaemon daemon = ExternalDaemon.startAfter(places, state)) {
            JsonNode result =
                    run(
                            daemon.api(),
                            "",
                            "grep -E 'SigBlk|SigIgn|Cpus_allowed_list' /proc/self/status; umask;"
                                + " cat /proc/self/timerslack_ns /proc/self/oom_score_adj; cut -d'"
                                + " ' -f18,19 /proc/self/stat; cat /proc/self/limits");
            String out = result.path("stdout").asString();
            assertThat(out)
                    .contains("SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "0022\n")
                    .contains("50000\n1000\n20 0\n")
                    .containsPattern("Max stack size +8388608 ")
                    .containsPattern("Max core file size +1 ")
                    .contains("Cpus_allowed_list:\t0-" + (processors() - 1) + "\n")
                    .containsPattern("Max realtime priority +0 ");
        }
        Outside.delete(places.base());
        Files.deleteIfExists(Path.of("target", places.cgroup() + ".log"));
    }

    /**
     * The kernel's killer takes sandboxes first, and what watches over them no sooner than others.
     */
    @Test
    void theKernelKillsWhatRunsInsideFirst() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "1000"]}
                        """);
        int pid = api.pid(id);
        String parent = Outside.run("ps", "-o", "ppid=", "-p", Integer.toString(pid)).trim();
        assertThat(score(pid)).isEqualTo(1000);
        assertThat(score(Integer.parseInt(parent)))
                .isEqualTo(score((int) ProcessHandle.current().pid()))
                .isLessThanOrEqualTo(0);
        api.destroy(id);
        assertThat(
                        api.shell(
                                "echo -1 2>&1 >/proc/self/oom_score_adj; cat"
                                        + " /proc/self/oom_score_adj"))
                .contains("1000");
    }

    private static int score(int pid) {
        return Integer.parseInt(Outside.read("/proc/" + pid + "/oom_score_adj").trim());
    }

    /** Of the host, not of this process. */
    private static int processors() {
        return Integer.parseInt(Outside.run("getconf", "_NPROCESSORS_ONLN").trim());
    }

    @Test
    void aRealTimeSignalIsAskedForAsItIsTold() {
        String script = "trap 'exit 9' RTMIN+3; while :; do sleep 0.05; done";
        for (String signal : new String[] {"SIGRTMIN+3", "RTMIN+3", "37", "RTMAX-27"}) {
            String id =
                    api.create(
                            "{\"stopSignal\":\"%s\",\"command\":[\"/bin/bash\",\"-c\",%s]}"
                                    .formatted(signal, Api.quoted("echo on; " + script)));
            org.awaitility.Awaitility.await()
                    .until(() -> !api.get("/sandboxes/" + id + "/logs").text().isEmpty());
            assertThat(
                            api.post("/sandboxes/" + id + "/stop")
                                    .expect(200)
                                    .exit()
                                    .path("exitCode")
                                    .asInt())
                    .as(signal)
                    .isEqualTo(9);
            assertThat(api.get("/sandboxes/" + id).json().path("stopSignal").asString())
                    .isEqualTo("RTMIN+3");
            api.destroy(id);
        }
        for (String none : new String[] {"32", "65", "RTMIN+31", "RTMIN-1", "0", "٣"}) {
            api.post("/sandboxes", "{\"stopSignal\":\"" + none + "\",\"command\":[\"true\"]}")
                    .expectViolation("stopSignal");
        }
    }

    @Test
    void sharedMemoryIsAsLargeAsItWasAskedFor() {
        String show = "df -k --output=size /dev/shm | tail -1";
        assertThat(run("", show).path("stdout").asString().trim()).isEqualTo("65536");
        assertThat(run(",\"limits\":{\"shmBytes\":1048576}", show).path("stdout").asString().trim())
                .isEqualTo("1024");
        api.post("/runs", "{\"command\":[\"true\"],\"limits\":{\"shmBytes\":1}}")
                .expectViolation("limits.shmBytes");
    }

    /** A member of the group was killed, and later somebody killed the command. */
    @Test
    void outOfMemoryIsOnlyWhomTheKernelHasKilledForIt() {
        String id =
                api.create(
                        """
                        {
                          "limits": {"memoryBytes": 33554432},
                          "command": ["/bin/sh", "-c", "tail /dev/zero; echo survived; sleep 1000"]
                        }
                        """);
        org.awaitility.Awaitility.await()
                .until(() -> api.get("/sandboxes/" + id + "/logs").text().contains("survived"));
        JsonNode exit =
                api.post("/sandboxes/" + id + "/kill", "{\"signal\":\"KILL\"}").expect(200).exit();
        assertThat(exit.path("evidence").path("oomKills").asInt()).isPositive();
        assertThat(exit.path("reason").asString()).isEqualTo("signaled");
        api.destroy(id);
    }

    @Test
    void itKnowsItsOwnName() throws Exception {
        JsonNode result =
                run(
                        ",\"name\":\"truman\"",
                        "cat /etc/hostname; getent hosts $(hostname); getent hosts localhost; cat"
                                + " /etc/resolv.conf >/dev/null && echo servers");
        assertThat(result.path("stdout").asString().lines())
                .contains("truman", "servers")
                .anyMatch(line -> line.matches("127\\.0\\.1\\.1 +truman"))
                .anyMatch(line -> line.endsWith("localhost ip6-localhost ip6-loopback"));
        assertThat(Files.readString(Path.of("/etc/hosts"))).doesNotContain("truman");
        String id =
                api.create(
                        """
                        {"command": ["/bin/sh", "-c", "echo 1.2.3.4 x >>/etc/hosts; cat /etc/hosts"]}
                        """);
        api.get("/sandboxes/" + id + "/wait?timeoutSeconds=10").expect(200);
        api.post("/sandboxes/" + id + "/start").expect(200);
        api.get("/sandboxes/" + id + "/wait?timeoutSeconds=10").expect(200);
        assertThat(api.get("/sandboxes/" + id + "/logs").text())
                .as("what it has changed stays")
                .contains("1.2.3.4 x\n1.2.3.4 x\n");
        api.destroy(id);
    }

    @Test
    void aRunThatIsOverBeforeItBeganHasTimedOut() {
        JsonNode result = run(",\"timeoutSeconds\":0.001", "sleep 10");
        assertThat(result.path("exit").path("reason").asString()).isEqualTo("timed-out");
    }

    /** A runtime that is not installed is not tried; that of this test is. */
    @Test
    void programsFindTheirLimits() {
        String limits = ",\"limits\":{\"memoryBytes\":268435456,\"cpus\":1}";
        int tried = 0;
        for (String java : javas()) {
            String flags =
                    run(limits, java + " -XX:+PrintFlagsFinal -version 2>/dev/null")
                            .path("stdout")
                            .asString();
            assertThat(flag(flags, "MaxHeapSize")).as(java).isLessThan(256L << 20);
            String processors =
                    run(limits, java + " -XshowSettings:system -version 2>&1")
                            .path("stdout")
                            .asString();
            assertThat(processors).as(java).contains("Memory Limit: 256.00M");
            tried++;
        }
        assertThat(tried).isPositive();
        if (Files.exists(Path.of("/usr/bin/node"))) {
            String heap =
                    run(limits, "node -p 'require(\"v8\").getHeapStatistics().heap_size_limit'")
                            .path("stdout")
                            .asString()
                            .trim();
            assertThat(Long.parseLong(heap)).isLessThan(384L << 20);
        }
        String group =
                run(
                                limits,
                                "cat /sys/fs/cgroup/memory.max"
                                    + " /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null;"
                                    + " echo 1 >/sys/fs/cgroup/cgroup.procs; echo 1"
                                    + " >/sys/fs/cgroup/memory/cgroup.procs; true")
                        .path("stdout")
                        .asString();
        assertThat(group.trim()).isEqualTo("268435456");
    }

    private static List<String> javas() {
        return Stream.of(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "/usr/lib/jvm/java-17-openjdk-amd64/bin/java",
                        "/usr/lib/jvm/java-17-openjdk-arm64/bin/java")
                .filter(java -> Files.exists(Path.of(java)))
                .filter(java -> java.startsWith("/usr/"))
                .distinct()
                .toList();
    }

    private static long flag(String flags, String name) {
        return flags.lines()
                .filter(line -> line.contains(" " + name + " "))
                .mapToLong(line -> Long.parseLong(line.split("=")[1].trim().split(" ")[0]))
                .findFirst()
                .orElseThrow();
    }
}

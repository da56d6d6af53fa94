package dev.seahaven.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.HostProcess;
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

/** Programs of the host inside of namespaces, beside what nsenter and ip netns do. */
@ExtendWith(NothingLeft.class)
class NamespaceExecIT {

    private final Api api = TestDaemon.shared().api();

    private JsonNode exec(Object namespace, String shell, String more) {
        return api.post(
                        "/namespaces/" + namespace + "/exec",
                        "{\"command\":[\"sh\",\"-c\"," + Api.quoted(shell) + "]" + more + "}")
                .expect(200)
                .json();
    }

    @ParameterizedTest
    @ValueSource(strings = {"cgroup", "ipc", "mnt", "net", "time", "user", "uts"})
    void inOneNamespaceAndElseInTheHosts(String type) {
        String option = type.equals("mnt") ? "mount" : type.equals("user") ? "map-root-user" : type;
        try (HostProcess process = HostProcess.sleeping("exec unshare --" + option + " sleep 60")) {
            JsonNode result =
                    exec(
                            process.namespace(type),
                            "for n in /proc/self/ns/*; do readlink $n; done",
                            "");
            assertThat(result.path("exitCode").asInt()).as(result.toString()).isZero();
            for (String each : Outside.TYPES) {
                String expected =
                        Outside.namespace(each.equals(type) ? process.pid() : "self", each);
                if (!each.equals("mnt") || !type.equals("net")) { // where it has a fresh /sys
                    assertThat(result.path("stdout").asString()).contains(expected);
                }
            }
        }
    }

    @Test
    void aPidNamespaceShowsItsOwnProc() {
        try (HostProcess process =
                HostProcess.start("unshare", "--pid", "--fork", "--kill-child", "sleep", "60")) {
            process.awaitCommand("unshare");
            await().untilAsserted(() -> assertThat(Outside.children(process.pid())).hasSize(1));
            long id =
                    HostProcess.number(
                            Outside.namespace(Outside.children(process.pid()).getFirst(), "pid"));
            JsonNode result = exec(id, "cat /proc/1/comm; echo $$; readlink /proc/self", "");
            assertThat(result.path("stdout").asString().lines().toList()).startsWith("sleep", "2");
        }
    }

    @Test
    void aNetworkNamespaceHasItsFilesAndItsSys() throws Exception {
        Path etc = Path.of("/etc/netns/sv-exec");
        Files.createDirectories(etc);
        Files.writeString(etc.resolve("hosts"), "10.0.0.1 only-here\n");
        Outside.run("ip", "netns", "add", "sv-exec");
        try {
            JsonNode result = exec("sv-exec", "cat /etc/hosts; ls /sys/class/net", "");
            assertThat(result.path("stdout").asString()).isEqualTo("10.0.0.1 only-here\nlo\n");
            assertThat(Outside.read("/etc/hosts")).doesNotContain("only-here");
            String sys = "grep -o ' /sys sysfs r[ow]' /proc/self/mounts";
            assertThat(exec("sv-exec", sys, "").path("stdout").asString())
                    .isEqualTo(Outside.run("ip", "netns", "exec", "sv-exec", "sh", "-c", sys))
                    .contains(" rw");
            assertThat(Outside.run("ip", "netns", "exec", "sv-exec", "cat", "/etc/hosts"))
                    .contains("only-here");
        } finally {
            Outside.run("ip", "netns", "delete", "sv-exec");
            Outside.delete(Path.of("/etc/netns"));
        }
    }

    @Test
    void inputUserDirectoryEnvironmentAndTheEnd() {
        try (HostProcess process = HostProcess.sleeping("exec unshare --uts sleep 60")) {
            long id = process.namespace("uts");
            JsonNode result =
                    exec(
                            id,
                            "cat; id -u; id -g; pwd; echo $COLOUR; echo oops >&2; exit 3",
                            ",\"stdin\":\"hello\\n"
                                + "\",\"user\":\"65534:65533\",\"workingDirectory\":\"/tmp\",\"env\":{\"COLOUR\":\"red\"}");
            assertThat(result.path("stdout").asString())
                    .isEqualTo("hello\n65534\n65533\n/tmp\nred\n");
            assertThat(result.path("stderr").asString()).isEqualTo("oops\n");
            assertThat(result.path("exitCode").asInt()).isEqualTo(3);
            JsonNode late = exec(id, "sleep 60 & sleep 60", ",\"timeoutSeconds\":0.2");
            assertThat(late.path("timedOut").asBoolean()).isTrue();
            assertThat(late.path("signal").asString()).isEqualTo("KILL");
            assertThat(late.path("durationMillis").asDouble()).isLessThan(30_000);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"4294967295", "4294967296", "4294968296", "1000:4294967296", "root", "-1"})
    void anIdThatThereIsNoneOfIsRefused(String user) {
        // Cut to 32 bits it was root's.
        api.post(
                        "/namespaces/"
                                + HostProcess.number(Outside.namespace("self", "uts"))
                                + "/exec",
                        "{\"command\":[\"id\"],\"user\":\"" + user + "\"}")
                .expectViolation("user");
    }

    @Test
    void anIdThatIsNotMappedAndAnArgumentThatIsTooLongAreRefused() {
        try (HostProcess process =
                HostProcess.sleeping("exec unshare --user --map-root-user sleep 60")) {
            String exec = "/namespaces/" + process.namespace("user") + "/exec";
            api.post(
                            exec,
                            """
                            {"command": ["id"], "user": "70000"}
                            """)
                    .expectViolation("user");
            String much = "x".repeat(140_000);
            api.post(exec, "{\"command\":[\"true\",\"" + much + "\"]}").expectViolation("command");
            api.post(exec, "{\"command\":[\"true\"],\"env\":{\"A\":\"" + much + "\"}}")
                    .expectViolation("env");
        }
    }

    /**
     * What lies there was made by who is inside, and ran with the host's pid, network and so on.
     */
    @Test
    void inTheMountsOfASandboxItIsInAllOfTheSandbox() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"], "limits": {"pids": 20, "openFiles": 77}}
                        """);
        int pid = api.pid(id);
        long mounts = HostProcess.number(Outside.namespace(pid, "mnt"));
        JsonNode result =
                exec(
                        mounts,
                        "touch /made; id -u; cat /etc/shadow 2>&1;"
                                + " for n in /proc/self/ns/*; do readlink $n; done; ulimit -n;"
                                + " cat /proc/self/oom_score_adj;"
                                + " grep -E 'Seccomp:|NoNewPrivs|CapEff|CapBnd' /proc/self/status",
                        "");
        String told = result.path("stdout").asString();
        assertThat(told).startsWith("0\n").contains("Permission denied");
        assertThat(Outside.run("stat", "-c", "%u", "/proc/" + pid + "/root/made").trim())
                .isEqualTo(Outside.run("stat", "-c", "%u", "/proc/" + pid + "/root/tmp").trim())
                .isNotEqualTo("0");
        for (String type : Outside.TYPES) {
            assertThat(told).contains(Outside.namespace(pid, type));
        }
        assertThat(told.lines().toList()).contains("77", "1000");
        for (String wall : List.of("Seccomp:", "NoNewPrivs:", "CapEff:", "CapBnd:")) {
            String line =
                    Outside.read("/proc/" + Outside.children(pid).getFirst() + "/status")
                            .lines()
                            .filter(each -> each.startsWith(wall))
                            .findFirst()
                            .orElseThrow();
            assertThat(told.lines()).contains(line);
        }
        // its limits hold for it too, and it ends with its time, what it left in a session as well
        assertThat(
                        exec(mounts, "for i in $(seq 40); do sleep 5 & done; wait", "")
                                .path("stderr")
                                .asString())
                .contains("ork");
        exec(
                mounts,
                "setsid sh -c 'sleep 4321 & sleep 4321' & sleep 60",
                ",\"timeoutSeconds\":0.3");
        assertThat(Outside.run("sh", "-c", "pgrep -fx 'sleep 4321' || true")).isEmpty();
        // a detached one is the sandbox's as well, and ends with it
        JsonNode detached = exec(mounts, "exec sleep 4322", ",\"detach\":true");
        int inside = detached.path("pid").asInt();
        await().untilAsserted(
                        () ->
                                assertThat(Outside.read("/proc/" + inside + "/cgroup"))
                                        .contains("/" + id + "/"));
        JsonNode stats = api.get("/sandboxes/" + id + "/stats").expect(200).json();
        assertThat(stats.at("/pids/current").asInt()).isGreaterThanOrEqualTo(3);
        api.destroy(id);
        assertThat(Path.of("/proc/" + inside)).doesNotExist();
    }

    /** A library that is loaded before all others is loaded with the walls around it. */
    @Test
    void aPreloadInsideReachesNothingOutside() {
        String id =
                api.create(
                        """
                        {"command": ["sh", "-c", "echo /nothing.so >/etc/ld.so.preload; sleep 60"]}
                        """);
        int pid = api.pid(id);
        await().untilAsserted(
                        () ->
                                assertThat(Path.of("/proc/" + pid + "/root/etc/ld.so.preload"))
                                        .exists());
        long mounts = HostProcess.number(Outside.namespace(pid, "mnt"));
        JsonNode result = exec(mounts, "readlink /proc/self/ns/net /proc/self/ns/pid", "");
        assertThat(result.path("stderr").asString()).contains("/nothing.so");
        assertThat(result.path("stdout").asString().lines().toList())
                .containsExactly(Outside.namespace(pid, "net"), Outside.namespace(pid, "pid"));
        api.destroy(id);
    }

    @Test
    void aMountNamespaceMadeInsideIsTheSandboxsToo() {
        String id =
                api.create(
                        """
                        {"command": ["unshare", "--mount", "sleep", "60"],
                         "security": {"capabilities": {"add": ["SYS_ADMIN"]},
                                      "seccomp": "unconfined"}}
                        """);
        int pid = api.pid(id);
        await().untilAsserted(
                        () -> {
                            int command = Outside.children(pid).getFirst();
                            assertThat(Outside.namespace(command, "mnt"))
                                    .isNotEqualTo(Outside.namespace(pid, "mnt"));
                        });
        int command = Outside.children(pid).getFirst();
        long mounts = HostProcess.number(Outside.namespace(command, "mnt"));
        JsonNode result = exec(mounts, "readlink /proc/self/ns/pid /proc/self/ns/mnt", "");
        assertThat(result.path("stdout").asString().lines().toList())
                .containsExactly(Outside.namespace(pid, "pid"), Outside.namespace(command, "mnt"));
        api.destroy(id);
    }

    @Test
    void theMountsOfARunAreNotEntered() throws Exception {
        Thread run =
                Thread.startVirtualThread(
                        () ->
                                api.post(
                                        "/runs",
                                        """
                                        {"command": ["sleep", "4323"], "name": "run-mounts"}
                                        """));
        await().untilAsserted(
                        () ->
                                assertThat(
                                                Outside.run(
                                                        "sh",
                                                        "-c",
                                                        "pgrep -fx 'sleep 4323' || true"))
                                        .isNotEmpty());
        int pid = Integer.parseInt(Outside.run("pgrep", "-fx", "sleep 4323").trim());
        long mounts = HostProcess.number(Outside.namespace(pid, "mnt"));
        api.post("/namespaces/" + mounts + "/exec", "{\"command\":[\"true\"]}")
                .expectProblem(409, "wrong-state");
        api.delete("/runs/run-mounts").expect(204);
        run.join();
    }

    @Test
    void detachedItRunsOn() {
        try (HostProcess process = HostProcess.sleeping("exec unshare --uts sleep 60")) {
            JsonNode result = exec(process.namespace("uts"), "exec sleep 61", ",\"detach\":true");
            int pid = result.path("pid").asInt();
            await().untilAsserted(
                            () ->
                                    assertThat(Outside.read("/proc/" + pid + "/comm").trim())
                                            .isEqualTo("sleep"));
            assertThat(Outside.namespace(pid, "uts"))
                    .isEqualTo(Outside.namespace(process.pid(), "uts"));
            assertThat(Outside.read("/proc/" + pid + "/cgroup")).contains("/detached-exec-");
            Outside.run("kill", Integer.toString(pid));
            await().untilAsserted(() -> assertThat(Path.of("/proc/" + pid)).doesNotExist());
            Path groups = TestDaemon.shared().places().cgroupDirectory();
            await().untilAsserted(
                            () ->
                                    assertThat(groups.toFile().list())
                                            .noneMatch(name -> name.startsWith("detached-")));
        }
    }
}

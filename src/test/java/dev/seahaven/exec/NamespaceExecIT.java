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

    /** What lies there was made by who is inside, and ran as root of the host. */
    @Test
    void inTheMountsOfASandboxItHasNoMoreThanTheSandbox() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        int pid = api.pid(id);
        long mounts = HostProcess.number(Outside.namespace(pid, "mnt"));
        JsonNode result = exec(mounts, "touch /made; id -u; cat /etc/shadow 2>&1", "");
        assertThat(result.path("stdout").asString())
                .startsWith("0\n")
                .contains("Permission denied");
        assertThat(Outside.run("stat", "-c", "%u", "/proc/" + pid + "/root/made").trim())
                .isEqualTo(Outside.run("stat", "-c", "%u", "/proc/" + pid + "/root/tmp").trim())
                .isNotEqualTo("0");
        api.destroy(id);
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
            Outside.run("kill", Integer.toString(pid));
            await().untilAsserted(() -> assertThat(Path.of("/proc/" + pid)).doesNotExist());
        }
    }
}

package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

/** Namespaces of others: another sandbox's, the host's, and those with a number or name. */
@ExtendWith(NothingLeft.class)
class SharingIT {

    private final Api api = TestDaemon.shared().api();

    private JsonNode shell(String members, String command) {
        JsonNode run =
                api.post(
                                "/runs",
                                "{\"command\":[\"/bin/sh\",\"-c\","
                                        + Api.quoted(command)
                                        + "],"
                                        + members
                                        + "}")
                        .expect(200)
                        .json();
        assertThat(run.path("exit").path("exitCode").asInt()).as(run.toString()).isZero();
        return run;
    }

    @Test
    void aPodSharesNetIpcUtsAndPidAndTheUserNamespaceThatOwnsThem() {
        String first =
                api.create(
                        """
                        {"name": "pod", "command": ["sleep", "60"]}
                        """);
        String second =
                api.create(
                        """
                        {
                          "command": ["sleep", "61"],
                          "network": {"mode": "sandbox", "join": "pod"},
                          "namespaces": {"pid": "sandbox:pod", "ipc": "sandbox:pod", "uts": "sandbox:pod"}
                        }
                        """);
        int one = api.pid(first);
        int two = api.pid(second);
        for (String type : new String[] {"net", "ipc", "uts", "pid", "user"}) {
            assertThat(Outside.namespace(two, type)).isEqualTo(Outside.namespace(one, type));
        }
        for (String type : new String[] {"mnt", "cgroup"}) {
            assertThat(Outside.namespace(two, type)).isNotEqualTo(Outside.namespace(one, type));
        }
        assertThat(
                        api.get("/sandboxes/" + second)
                                .json()
                                .path("isolation")
                                .path("net")
                                .has("ownedBy"))
                .isFalse();
        JsonNode holders = api.delete("/sandboxes/pod").expect(409).json().path("holders");
        assertThat(holders.path(0).path("id").asString()).isEqualTo(second);
        String seen =
                shell(
                                "\"namespaces\":{\"pid\":\"sandbox:pod\"}",
                                "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
                        .path("stdout")
                        .asString();
        assertThat(seen).contains("sleep 60", "sleep 61");
        api.destroy(second);
        api.destroy(first);
    }

    @Test
    void whoSharesAPidNamespaceEndsWithItsInit() {
        String first =
                api.create(
                        """
                        {"name": "pod", "command": ["sleep", "60"]}
                        """);
        String second =
                api.create(
                        """
                        {"command": ["sleep", "61"], "namespaces": {"pid": "sandbox:pod"}}
                        """);
        api.post("/sandboxes/" + first + "/kill").expect(200);
        JsonNode exit =
                api.get("/sandboxes/" + second + "/wait?timeoutSeconds=10").expect(200).json();
        assertThat(exit.path("signal").asString()).isEqualTo("KILL");
        api.post("/sandboxes/" + second + "/start").expectProblem(409, "wrong-state");
        api.destroy(second);
        api.destroy(first);
    }

    @Test
    void theEndOfASandboxInASharedPidNamespaceTakesItsOrphansAlong() {
        String first =
                api.create(
                        """
                        {"name": "pod", "command": ["sleep", "60"]}
                        """);
        shell(
                "\"namespaces\":{\"pid\":\"sandbox:pod\"}",
                "setsid sleep 1000 & setsid sleep 1000 & exit 0");
        String left =
                shell(
                                "\"namespaces\":{\"pid\":\"sandbox:pod\"}",
                                "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
                        .path("stdout")
                        .asString();
        assertThat(left).contains("sleep 60").doesNotContain("1000");
        api.destroy(first);
    }

    @Test
    void withItsOwnUserNamespaceItHasNoRightsOverASharedOne() {
        String first =
                api.create(
                        """
                        {"name": "pod", "command": ["sleep", "60"]}
                        """);
        String second =
                api.create(
                        """
                        {
                          "command": ["sleep", "60"],
                          "network": {"mode": "sandbox", "join": "pod"},
                          "namespaces": {"user": "new"}
                        }
                        """);
        JsonNode net = api.get("/sandboxes/" + second).json().path("isolation").path("net");
        assertThat("user:[" + net.path("ownedBy").asLong() + "]")
                .isEqualTo(Outside.namespace(api.pid(first), "user"));
        api.destroy(second);
        api.destroy(first);
    }

    @Test
    void aNamedNetworkNamespaceIsEntered() {
        boolean mounted = Outside.read("/proc/self/mountinfo").contains("/run/netns ");
        Outside.run("ip", "netns", "add", "seahaven-blue");
        try {
            Outside.run(
                    "ip",
                    "-n",
                    "seahaven-blue",
                    "link",
                    "add",
                    "v0",
                    "type",
                    "veth",
                    "peer",
                    "name",
                    "v1");
            assertThat(
                            shell(
                                            "\"network\":{\"mode\":\"namespace\",\"join\":\"seahaven-blue\"}",
                                            "ip -o link")
                                    .path("stdout")
                                    .asString())
                    .contains("v0", "v1");
            api.post(
                            "/runs",
                            """
                            {"command": ["true"], "namespaces": {"ipc": "namespace:seahaven-blue"}}
                            """)
                    .expectProblem(409, "wrong-namespace-type");
        } finally {
            Outside.run("ip", "netns", "delete", "seahaven-blue");
            if (!mounted) {
                Outside.run("umount", "/run/netns"); // what ip netns leaves behind
            }
        }
    }

    @Test
    void aNumberedNamespaceIsEntered() {
        String first =
                api.create(
                        """
                        {"hostname": "truman", "command": ["sleep", "60"]}
                        """);
        String uts = Outside.namespace(api.pid(first), "uts").replaceAll("\\D", "");
        assertThat(
                        shell("\"namespaces\":{\"uts\":\"namespace:" + uts + "\"}", "hostname")
                                .path("stdout")
                                .asString())
                .isEqualTo("truman\n");
        api.destroy(first);
    }

    @Test
    void theHostsNetworkAndNamesAreThereWhenAskedFor() {
        String seen =
                shell(
                                "\"network\":{\"mode\":\"host\"},\"namespaces\":{\"uts\":\"host\",\"ipc\":\"host\",\"cgroup\":\"host\"}",
                                "hostname; readlink /proc/self/ns/net /proc/self/ns/ipc"
                                        + " /proc/self/ns/cgroup")
                        .path("stdout")
                        .asString();
        assertThat(seen)
                .isEqualTo(
                        Outside.run("hostname")
                                + Outside.namespace("self", "net")
                                + "\n"
                                + Outside.namespace("self", "ipc")
                                + "\n"
                                + Outside.namespace("self", "cgroup")
                                + "\n");
    }

    @Test
    void theHostsPidNamespaceShowsTheHostsProcesses() {
        String seen =
                shell(
                                "\"namespaces\":{\"pid\":\"host\"}",
                                "readlink /proc/self/ns/pid; ls -d /proc/"
                                        + ProcessHandle.current().pid())
                        .path("stdout")
                        .asString();
        assertThat(seen)
                .isEqualTo(
                        Outside.namespace("self", "pid")
                                + "\n/proc/"
                                + ProcessHandle.current().pid()
                                + "\n");
    }

    @Test
    void theHostsMountsAreThereWhenAskedFor() {
        assertThat(
                        shell(
                                        "\"namespaces\":{\"mount\":\"host\"}",
                                        "readlink /proc/self/ns/mnt; touch /etc/seahaven-no 2>&1;"
                                                + " true")
                                .path("stdout")
                                .asString())
                .startsWith(Outside.namespace("self", "mnt") + "\n")
                .contains("Permission denied");
    }

    @Test
    void anotherSandboxesMountsAreShared() {
        String first =
                api.create(
                        """
                        {
                          "name": "pod",
                          "command": ["/bin/sh", "-c", "echo mine > /tmp/file; exec sleep 60"]
                        }
                        """);
        org.awaitility.Awaitility.await()
                .untilAsserted(
                        () ->
                                assertThat(
                                                shell(
                                                                "\"namespaces\":{\"mount\":\"sandbox:pod\"}",
                                                                "cat /tmp/file 2>&1 || true")
                                                        .path("stdout")
                                                        .asString())
                                        .isEqualTo("mine\n"));
        api.destroy(first);
    }
}

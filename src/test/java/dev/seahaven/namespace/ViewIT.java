package dev.seahaven.namespace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.HostProcess;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

import java.util.List;

/** How the world looks from inside, beside what the tools of the host show inside. */
@ExtendWith(NothingLeft.class)
class ViewIT {

    private final Api api = TestDaemon.shared().api();

    private JsonNode view(HostProcess process, String type) {
        return api.get("/namespaces/" + process.namespace(type) + "/view").expect(200).json();
    }

    @Test
    void net() {
        try (HostProcess process =
                HostProcess.sleeping(
                        "exec unshare --net bash -c 'ip link set lo up; ip link add v0 type veth"
                            + " peer name v1; ip addr add 10.1.2.3/24 dev v0; ip addr add"
                            + " fd00::1/64 dev v0 nodad; ip link set v0 up; ip link set v1 up; ip"
                            + " route add 10.9.0.0/16 via 10.1.2.4; ip neigh add 10.1.2.9 lladdr"
                            + " 02:00:00:00:00:09 dev v0; exec sleep 60'")) {
            JsonNode view = view(process, "net");
            assertThat(view.path("type").asString()).isEqualTo("net");
            assertThat(names(view.path("interfaces"), "name"))
                    .containsExactlyInAnyOrder("lo", "v0", "v1");
            assertThat(names(view.path("interfaces"), "kind")).contains("veth");
            assertThat(names(view.path("addresses"), "address"))
                    .contains("127.0.0.1", "::1", "10.1.2.3", "fd00::1");
            assertThat(names(view.path("routes"), "destination"))
                    .contains("10.9.0.0/16", "10.1.2.0/24");
            assertThat(names(view.path("routes"), "gateway")).contains("10.1.2.4");
            assertThat(names(view.path("neighbours"), "mac")).contains("02:00:00:00:00:09");
            assertThat(names(view.path("neighbours"), "state")).contains("permanent");
        }
    }

    private static List<String> names(JsonNode list, String member) {
        return list.valueStream().map(each -> each.path(member).asString("")).toList();
    }

    @Test
    void listeningSocketsOfTheHost() {
        int port = api.port();
        long host = HostProcess.number(Outside.namespace("self", "net"));
        JsonNode listeners =
                api.get("/namespaces/" + host + "/view").expect(200).json().path("listeners");
        assertThat(
                        listeners
                                .valueStream()
                                .filter(each -> each.path("port").asInt() == port)
                                .map(each -> each.path("protocol").asString()))
                .contains("tcp");
        assertThat(
                        listeners
                                .valueStream()
                                .filter(each -> each.path("port").asInt() == port)
                                .flatMap(each -> each.path("processes").valueStream())
                                .map(each -> each.path("pid").asLong()))
                .contains(ProcessHandle.current().pid());
    }

    @Test
    void uts() {
        try (HostProcess process =
                HostProcess.sleeping("exec unshare --uts sh -c 'hostname inside; exec sleep 60'")) {
            assertThat(view(process, "uts").path("hostname").asString()).isEqualTo("inside");
            JsonNode compared =
                    api.get("/namespaces/" + process.namespace("uts") + "/compare")
                            .expect(200)
                            .json();
            assertThat(compared.path("same").asBoolean()).isFalse();
            JsonNode difference = compared.path("differences").path(0);
            assertThat(difference.path("path").asString()).isEqualTo("hostname");
            assertThat(difference.path("here").asString()).isEqualTo("inside");
            assertThat(difference.path("there").asString())
                    .isEqualTo(Outside.run("hostname").trim());
            api.get(
                            "/namespaces/"
                                    + process.namespace("uts")
                                    + "/compare?with="
                                    + process.namespace("net"))
                    .expectViolation("with");
        }
    }

    @Test
    void ipc() {
        try (HostProcess process =
                HostProcess.sleeping(
                        "exec unshare --ipc --mount sh -c 'ipcmk -M 4096 -S 3 -Q >/dev/null;"
                                + " mount -t mqueue q /mnt; touch /mnt/jobs; exec sleep 60'")) {
            JsonNode view = view(process, "ipc");
            assertThat(view.path("sharedMemory").path(0).path("sizeBytes").asLong())
                    .isEqualTo(4096);
            assertThat(view.path("semaphores").path(0).path("count").asInt()).isEqualTo(3);
            assertThat(view.path("queues")).hasSize(1);
            assertThat(view.path("posixQueues").path(0).path("name").asString()).isEqualTo("/jobs");
        }
    }

    @Test
    void pid() {
        try (HostProcess process =
                HostProcess.start("unshare", "--pid", "--fork", "--kill-child", "sleep", "60")) {
            process.awaitCommand("unshare");
            org.awaitility.Awaitility.await()
                    .untilAsserted(() -> assertThat(Outside.children(process.pid())).hasSize(1));
            int child = Outside.children(process.pid()).getFirst();
            long id = HostProcess.number(Outside.namespace(child, "pid"));
            JsonNode view = api.get("/namespaces/" + id + "/view").expect(200).json();
            assertThat(view.path("processes")).hasSize(1);
            assertThat(view.path("processes").path(0).path("pid").asInt()).isEqualTo(child);
            assertThat(view.path("processes").path(0).path("insidePid").asInt()).isEqualTo(1);
        }
    }

    @Test
    void mnt() {
        try (HostProcess process =
                HostProcess.sleeping(
                        "exec unshare --mount sh -c 'mount -t tmpfs -o nodev inside /mnt; mount"
                                + " --make-shared /mnt; exec sleep 60'")) {
            JsonNode mount =
                    view(process, "mnt")
                            .path("mounts")
                            .valueStream()
                            .filter(each -> each.path("mountPoint").asString().equals("/mnt"))
                            .filter(each -> each.path("source").asString().equals("inside"))
                            .findFirst()
                            .orElseThrow();
            assertThat(mount.path("fileSystem").asString()).isEqualTo("tmpfs");
            assertThat(names(mount.path("options"), "")).isNotNull();
            assertThat(mount.path("options").valueStream().map(JsonNode::asString))
                    .contains("nodev");
            assertThat(mount.path("propagation").path(0).asString()).startsWith("shared:");
        }
    }

    @Test
    void userAndTimeAlsoWithoutAProcess() {
        try (HostProcess process =
                HostProcess.sleeping(
                        "exec unshare --user --map-root-user --time --boottime 5000 sleep 60")) {
            JsonNode user = view(process, "user");
            assertThat(user.path("uidMappings").path(0).path("length").asInt()).isEqualTo(1);
            JsonNode time = view(process, "time");
            assertThat(time.path("boottimeOffsetSeconds").asInt()).isEqualTo(5000);
            long userId = process.namespace("user");
            long timeId = process.namespace("time");
            try (HostProcess holding =
                    HostProcess.sleeping(
                            "exec 8</proc/"
                                    + process.pid()
                                    + "/ns/user 9</proc/"
                                    + process.pid()
                                    + "/ns/time; exec sleep 60")) {
                holding.awaitCommand("sleep");
                process.end();
                assertThat(api.get("/namespaces/" + userId + "/view").expect(200).json())
                        .isEqualTo(user);
                assertThat(api.get("/namespaces/" + timeId + "/view").expect(200).json())
                        .isEqualTo(time);
            }
        }
    }

    @Test
    void cgroup() {
        String sandbox =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        try {
            long id = HostProcess.number(Outside.namespace(api.pid(sandbox), "cgroup"));
            String expected = api.get("/sandboxes/" + sandbox).json().path("cgroup").asString();
            assertThat(
                            names(
                                    api.get("/namespaces/" + id + "/view")
                                            .expect(200)
                                            .json()
                                            .path("roots"),
                                    "root"))
                    .contains(expected);
        } finally {
            api.destroy(sandbox);
        }
    }

    @Test
    void whatIsNoNamespaceIsNotFound() {
        for (String path : List.of("", "/holders", "/view", "/compare")) {
            api.get("/namespaces/123" + path).expectProblem(404, "not-found");
            api.get("/namespaces/nosuch" + path).expectProblem(404, "not-found");
        }
        api.get("/namespaces/99999999999999999999").expectProblem(404, "not-found");
    }
}

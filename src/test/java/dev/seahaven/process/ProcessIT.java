package dev.seahaven.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.HostProcess;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

import java.util.Arrays;
import java.util.List;

/** Processes with their numbers and ids at every level. */
@ExtendWith(NothingLeft.class)
class ProcessIT {

    private final Api api = TestDaemon.shared().api();

    /** The innermost of three nested levels. */
    private static int innermost(HostProcess process) {
        int[] pid = {process.pid()};
        await().untilAsserted(
                        () -> {
                            pid[0] = process.pid();
                            for (int i = 0; i < 3; i++) {
                                List<Integer> children = Outside.children(pid[0]);
                                assertThat(children).hasSize(1);
                                pid[0] = children.getFirst();
                            }
                            assertThat(Outside.read("/proc/" + pid[0] + "/comm").trim())
                                    .isEqualTo("sleep");
                        });
        return pid[0];
    }

    @Test
    void aPidAtEveryLevel() {
        String level = "unshare --user --map-root-user --pid --fork --kill-child ";
        try (HostProcess process =
                HostProcess.start("sh", "-c", "exec " + level + level + level + "sleep 60")) {
            int pid = innermost(process);
            JsonNode found = api.get("/processes/" + pid).expect(200).json();
            List<Integer> expected =
                    Outside.read("/proc/" + pid + "/status")
                            .lines()
                            .filter(line -> line.startsWith("NSpid:"))
                            .flatMap(line -> Arrays.stream(line.substring(6).trim().split("\\s+")))
                            .map(Integer::parseInt)
                            .toList();
            assertThat(expected).hasSize(4);
            assertThat(found.path("pids").valueStream().map(each -> each.path("pid").asInt()))
                    .containsExactlyElementsOf(expected);
            assertThat(found.path("pids").path(3).path("namespace").asLong())
                    .isEqualTo(HostProcess.number(Outside.namespace(pid, "pid")));
            assertThat(found.path("ids").valueStream().map(each -> each.path("uid").asInt(-1)))
                    .containsExactly(0, 0, 0, 0);
            assertThat(found.path("namespaces").path("pid").path("differs").asBoolean()).isTrue();
            assertThat(found.path("namespaces").path("net").path("differs").asBoolean()).isFalse();
            long id = HostProcess.number(Outside.namespace(pid, "pid"));
            JsonNode listed = api.get("/processes?namespace=" + id).expect(200).json();
            assertThat(listed.path("items")).hasSize(1);
            assertThat(listed.path("items").path(0).path("pids")).isEqualTo(found.path("pids"));
        }
    }

    @Test
    void idsCapabilitiesAndSeccompOfASandbox() {
        String sandbox =
                api.create(
                        """
                        {"command": ["sleep", "60"], "user": "1000:1000", "init": false}
                        """);
        try {
            int pid = api.pid(sandbox);
            await().untilAsserted(
                            () ->
                                    assertThat(Outside.read("/proc/" + pid + "/comm").trim())
                                            .isEqualTo("sleep"));
            JsonNode found = api.get("/processes/" + pid).expect(200).json();
            JsonNode ids = found.path("ids");
            assertThat(ids).hasSize(2);
            assertThat(ids.path(1).path("uid").asInt()).isEqualTo(1000);
            assertThat(ids.path(0).path("uid").asLong()).isGreaterThan(524_288);
            assertThat(found.path("noNewPrivileges").asBoolean()).isTrue();
            assertThat(found.path("capabilities").path("effective")).isEmpty();
            assertThat(
                            found.path("capabilities")
                                    .path("bounding")
                                    .valueStream()
                                    .map(JsonNode::asString))
                    .contains("CAP_CHOWN")
                    .doesNotContain("CAP_SYS_ADMIN");
            assertThat(found.path("cgroups").toString()).contains(sandbox);
        } finally {
            api.destroy(sandbox);
        }
    }

    @Test
    void everyProcessOfTheHostIsListed() {
        JsonNode list = api.get("/processes?limit=1000").expect(200).json();
        assertThat(
                        list.path("items")
                                .valueStream()
                                .filter(
                                        each ->
                                                each.path("pid").asLong()
                                                        == ProcessHandle.current().pid())
                                .map(each -> each.path("command").asString()))
                .containsExactly(Outside.read("/proc/self/comm").trim());
    }
}

package dev.seahaven.namespace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.HostProcess;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import tools.jackson.databind.JsonNode;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

/** Named namespaces, and what {@code ip netns} makes of them. */
@ExtendWith(NothingLeft.class)
class NamesIT {

    private static final String PREFIX = "sv" + ProcessHandle.current().pid();
    private final Api api = TestDaemon.shared().api();

    @AfterEach
    void takeNamesAway() {
        api.get("/namespaces?named=true&limit=1000")
                .json()
                .path("items")
                .forEach(
                        each -> {
                            if (each.path("name").asString().startsWith(PREFIX)) {
                                api.delete(
                                        "/namespaces/"
                                                + each.path("type").asString()
                                                + ":"
                                                + each.path("name").asString());
                            }
                        });
    }

    private JsonNode create(String type, String more) {
        return api.post(
                        "/namespaces",
                        "{\"name\":\"" + PREFIX + "\",\"type\":\"" + type + "\"" + more + "}")
                .expect(201)
                .json();
    }

    @ParameterizedTest
    @ValueSource(strings = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"})
    void everyTypeCanBeMadeEnteredAndTakenAway(String type) {
        JsonNode made = create(type, "");
        long id = made.path("id").asLong();
        String path = made.path("path").asString();
        assertThat(Outside.run("stat", "-f", "-c", "%T", path).trim()).isEqualTo("nsfs");
        assertThat(Outside.run("stat", "-c", "%i", path).trim()).isEqualTo(Long.toString(id));
        assertThat(id).isNotEqualTo(HostProcess.number(Outside.namespace("self", type)));
        String option = type.equals("mnt") ? "mount" : type;
        String inside =
                Outside.run(
                        "nsenter", "--" + option + "=" + path, "readlink", "/proc/self/ns/" + type);
        // A process that enters a pid namespace is not in it; its children are, whose /proc this is
        // not.
        if (!type.equals("pid") && !type.equals("mnt")) {
            assertThat(HostProcess.number(inside.trim())).isEqualTo(id);
        }
        assertThat(api.get("/namespaces/" + PREFIX).expect(200).json().path("id").asLong())
                .isEqualTo(id);
        api.delete("/namespaces/" + PREFIX).expect(204);
        api.get("/namespaces/" + PREFIX).expect(404);
        assertThat(Path.of(path)).doesNotExist();
        await().untilAsserted(() -> api.get("/namespaces/" + id).expect(404));
    }

    @Test
    void whatWasAskedForIsThere() {
        create("uts", ",\"hostname\":\"blue\"");
        assertThat(Outside.run("nsenter", "--uts=" + path("uts"), "hostname").trim())
                .isEqualTo("blue");
        api.delete("/namespaces/" + PREFIX).expect(204);
        create("net", "");
        assertThat(
                        Outside.run(
                                "nsenter",
                                "--net=" + path("net"),
                                "ip",
                                "-br",
                                "link",
                                "show",
                                "lo"))
                .contains("LOOPBACK,UP");
        api.delete("/namespaces/" + PREFIX).expect(204);
        create("time", ",\"boottimeOffsetSeconds\":100000");
        assertThat(
                        Double.parseDouble(
                                Outside.run(
                                                "nsenter",
                                                "--time=" + path("time"),
                                                "cat",
                                                "/proc/uptime")
                                        .split(" ")[0]))
                .isGreaterThan(
                        99_000 + Double.parseDouble(Outside.read("/proc/uptime").split(" ")[0]));
        api.delete("/namespaces/" + PREFIX).expect(204);
        JsonNode user =
                create(
                        "user",
                        ",\"uidMappings\":[{\"inside\":0,\"outside\":700000000,\"length\":10}]");
        assertThat(user.path("parent").asLong())
                .isEqualTo(HostProcess.number(Outside.namespace("self", "user")));
        assertThat(
                        Outside.run(
                                        "nsenter",
                                        "--user=" + path("user"),
                                        "--preserve-credentials",
                                        "cat",
                                        "/proc/self/uid_map")
                                .trim()
                                .split("\\s+"))
                .containsExactly("0", "700000000", "10");
    }

    private String path(String type) {
        return api.get("/namespaces/" + type + ":" + PREFIX)
                .expect(200)
                .json()
                .path("path")
                .asString();
    }

    @Test
    void aPidNamespaceIsUsableUntilItsLastProcessEnds() {
        JsonNode made = create("pid", "");
        try (HostProcess inside =
                HostProcess.start(
                        "nsenter", "--pid=" + made.path("path").asString(), "sleep", "60")) {
            inside.awaitCommand("nsenter");
            await().untilAsserted(
                            () ->
                                    assertThat(
                                                    api.get("/namespaces/" + PREFIX)
                                                            .json()
                                                            .path("processCount")
                                                            .asInt())
                                            .isEqualTo(2));
            JsonNode left = api.delete("/namespaces/" + PREFIX).expect(200).json();
            assertThat(left.path("items").valueStream().map(h -> h.path("command").asString()))
                    .contains("sleep");
        }
        long id = made.path("id").asLong();
        await().untilAsserted(() -> api.get("/namespaces/" + id).expect(404));
    }

    @Test
    void namesOfIpNetnsAndOfTheDaemonAreTheSame() {
        create("net", "");
        assertThat(Outside.run("ip", "netns", "list")).contains(PREFIX);
        assertThat(Outside.run("ip", "netns", "exec", PREFIX, "ip", "-br", "link")).contains("lo");
        Outside.run("ip", "netns", "delete", PREFIX);
        api.get("/namespaces/" + PREFIX).expect(404);
        Outside.run("ip", "netns", "add", PREFIX);
        JsonNode theirs = api.get("/namespaces/" + PREFIX).expect(200).json();
        assertThat(theirs.path("manager").path("name").asString()).isEqualTo("ip netns");
        api.post("/namespaces", "{\"name\":\"" + PREFIX + "\",\"type\":\"net\"}")
                .expectProblem(409, "name-taken");
        api.delete("/namespaces/" + PREFIX).expect(204);
        assertThat(Outside.run("ip", "netns", "list")).doesNotContain(PREFIX);
    }

    @Test
    void sixteenAddAndDeleteAtOnceOnBothSides() throws Exception {
        try (var threads = Executors.newFixedThreadPool(16)) {
            List<Callable<Void>> tasks =
                    IntStream.range(0, 16)
                            .<Callable<Void>>mapToObj(
                                    number ->
                                            () -> {
                                                addAndDelete(
                                                        PREFIX + "-" + number, number % 2 == 0);
                                                return null;
                                            })
                            .toList();
            for (var done : threads.invokeAll(tasks)) {
                done.get();
            }
        }
        assertThat(Outside.run("ip", "netns", "list")).doesNotContain(PREFIX);
    }

    private void addAndDelete(String name, boolean byDaemon) {
        for (int i = 0; i < 10; i++) {
            if (byDaemon) {
                api.post("/namespaces", "{\"name\":\"" + name + "\",\"type\":\"net\"}").expect(201);
                assertThat(Outside.run("ip", "netns", "list")).contains(name);
                Outside.run("ip", "netns", "delete", name);
            } else {
                Outside.run("ip", "netns", "add", name);
                api.get("/namespaces/" + name).expect(200);
                assertThat(api.delete("/namespaces/" + name).status()).isIn(200, 204);
            }
        }
    }

    @Test
    void adopting() {
        try (HostProcess process = HostProcess.sleeping("exec unshare --uts --ipc sleep 60")) {
            long uts = process.namespace("uts");
            JsonNode made = create("uts", ",\"adopt\":{\"pid\":" + process.pid() + "}");
            assertThat(made.path("id").asLong()).isEqualTo(uts);
            api.delete("/namespaces/" + PREFIX).expect(200);
            made = create("uts", ",\"adopt\":{\"namespace\":" + uts + "}");
            assertThat(made.path("id").asLong()).isEqualTo(uts);
            api.delete("/namespaces/" + PREFIX).expect(200);
            made = create("ipc", ",\"adopt\":{\"path\":\"/proc/" + process.pid() + "/ns/ipc\"}");
            assertThat(made.path("id").asLong()).isEqualTo(process.namespace("ipc"));
            api.delete("/namespaces/" + PREFIX).expect(200);
            api.post(
                            "/namespaces",
                            "{\"name\":\""
                                    + PREFIX
                                    + "\",\"type\":\"net\",\"adopt\":{\"namespace\":"
                                    + uts
                                    + "}}")
                    .expectProblem(409, "wrong-namespace-type");
        }
    }

    @Test
    void aStaleFileIsToldAndCleaned() throws Exception {
        Path file = Path.of("/var/run/netns", PREFIX);
        Files.createFile(file);
        JsonNode stale = api.get("/namespaces/" + PREFIX).expect(200).json();
        assertThat(stale.path("id").isNull()).isTrue();
        assertThat(stale.path("stale").asBoolean()).isTrue();
        assertThat(stale.path("reason").asString()).isNotBlank();
        assertThat(
                        api.get("/namespaces?type=net&named=true&limit=1000")
                                .json()
                                .path("items")
                                .valueStream()
                                .filter(each -> each.path("stale").asBoolean())
                                .map(each -> each.path("name").asString()))
                .contains(PREFIX);
        api.delete("/namespaces/" + PREFIX).expect(204);
        assertThat(file).doesNotExist();
    }

    @Test
    void aNameOfSeveralTypesIsAskedBack() {
        create("uts", "");
        create("ipc", "");
        JsonNode problem =
                api.get("/namespaces/" + PREFIX).expectProblem(409, "ambiguous-name").json();
        assertThat(problem.path("candidates").valueStream().map(JsonNode::asString))
                .containsExactlyInAnyOrder("uts:" + PREFIX, "ipc:" + PREFIX);
        api.get("/namespaces/ipc:" + PREFIX).expect(200);
    }

    @Test
    void whatASandboxUsesIsNotTakenAway() {
        create("uts", "");
        String sandbox =
                api.create(
                        "{\"command\":[\"sleep\",\"60\"],\"namespaces\":{\"uts\":\"namespace:"
                                + PREFIX
                                + "\"}}");
        try {
            JsonNode problem =
                    api.delete("/namespaces/uts:" + PREFIX).expectProblem(409, "in-use").json();
            assertThat(problem.path("holders").isEmpty()).isFalse();
        } finally {
            api.destroy(sandbox);
        }
        api.delete("/namespaces/uts:" + PREFIX).expect(204);
    }

    @Test
    void aPidNamespaceWhoseInitIsDeadIsListedAndNotEntered() {
        JsonNode made = create("pid", "");
        Outside.run("kill", "-9", Integer.toString(made.path("leader").path("pid").asInt()));
        await().untilAsserted(
                        () ->
                                assertThat(
                                                api.get("/namespaces/" + PREFIX)
                                                        .expect(200)
                                                        .json()
                                                        .path("dead")
                                                        .asBoolean())
                                        .isTrue());
        api.post(
                        "/namespaces/" + PREFIX + "/exec",
                        """
                        {"command": ["true"]}
                        """)
                .expectProblem(409, "wrong-state");
        api.post(
                        "/runs",
                        "{\"command\":[\"true\"],\"namespaces\":{\"pid\":\"namespace:"
                                + PREFIX
                                + "\"}}")
                .expectProblem(409, "wrong-state");
        api.delete("/namespaces/" + PREFIX).expect(204);
    }

    /** What a reboot takes away, and how the daemon tells that there was one. */
    private static void reboot(TestDaemon.Places places, String type) throws Exception {
        Path name = places.run().resolve("ns/" + type + "/" + PREFIX);
        Outside.run("umount", name.toString());
        Outside.run("umount", places.run().resolve("ns").toString());
        Files.delete(name);
        Files.writeString(places.run().resolve("boot-id"), "another");
    }

    @Test
    void declaredOnesComeBackAfterAReboot() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        String[] where = places.arguments(0).toArray(String[]::new);
        String body = "{\"name\":\"" + PREFIX + "\",\"type\":\"uts\",\"hostname\":\"again\"}";
        try (TestDaemon daemon = TestDaemon.at(places, where)) {
            daemon.api().post("/namespaces", body).expect(201);
            daemon.keepPlaces();
        }
        reboot(places, "uts");
        try (TestDaemon daemon = TestDaemon.at(places, where)) {
            JsonNode again = daemon.api().get("/namespaces/" + PREFIX).expect(200).json();
            assertThat(
                            Outside.run(
                                            "nsenter",
                                            "--uts=" + again.path("path").asString(),
                                            "hostname")
                                    .trim())
                    .isEqualTo("again");
            daemon.api().delete("/namespaces/" + PREFIX).expect(204);
        }
    }

    @Test
    void whatCannotBeMadeAgainIsToldAndDeleted() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        String[] where = places.arguments(0).toArray(String[]::new);
        String body = "{\"name\":\"" + PREFIX + "\",\"type\":\"user\"}";
        try (TestDaemon daemon = TestDaemon.at(places, where)) {
            daemon.api().post("/namespaces", body).expect(201);
            daemon.keepPlaces();
        }
        Path declared = places.state().resolve("namespaces");
        String mine = Files.readString(declared.resolve("user:" + PREFIX + ".json"));
        Files.writeString(declared.resolve("user:zz-late.json"), mine.replace(PREFIX, "zz-late"));
        reboot(places, "user");
        try (TestDaemon daemon = TestDaemon.at(places, where)) {
            Api again = daemon.api();
            JsonNode late = again.get("/namespaces/user:zz-late").expect(200).json();
            assertThat(late.path("stale").asBoolean()).as(late.toString()).isTrue();
            assertThat(again.get("/namespaces?type=user").expect(200).json().toString())
                    .contains("zz-late");
            again.delete("/namespaces/user:zz-late").expect(204);
            again.get("/namespaces/user:zz-late").expect(404);
            assertThat(declared.resolve("user:zz-late.json")).doesNotExist();
            again.delete("/namespaces/" + PREFIX).expect(204);
        }
    }

    @Test
    void theNextNetworkNamespaceLiesReady() {
        long first = create("net", "").path("id").asLong();
        JsonNode ready = await().until(this::ready, Objects::nonNull);
        assertThat(ready.path("id").asLong()).isNotEqualTo(first);
        assertThat(Outside.run("ip", "netns", "list")).contains(PREFIX);
        api.delete("/namespaces/" + PREFIX).expect(204);
        assertThat(create("net", "").path("id").asLong()).isEqualTo(ready.path("id").asLong());
        assertThat(Outside.run("ip", "-n", PREFIX, "link")).contains("LOOPBACK,UP");
    }

    private @Nullable JsonNode ready() {
        for (JsonNode each :
                api.get("/namespaces?type=net&named=false").expect(200).json().path("items")) {
            if (each.path("manager").path("evidence").asString().startsWith("kept ready")) {
                return each;
            }
        }
        return null;
    }

    @Test
    void whatAnotherTakesAwayDoesNotComeBack() {
        create("net", "");
        Path declared =
                TestDaemon.shared().places().state().resolve("namespaces/net:" + PREFIX + ".json");
        assertThat(declared).exists();
        Outside.run("ip", "netns", "delete", PREFIX);
        await().untilAsserted(() -> assertThat(declared).doesNotExist());
    }
}

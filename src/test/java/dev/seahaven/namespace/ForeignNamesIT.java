package dev.seahaven.namespace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.ExternalDaemon;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import tools.jackson.databind.JsonNode;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.StreamSupport;

/** Names that others gave, which may be whatever a file can be called. */
@ExtendWith(NothingLeft.class)
class ForeignNamesIT {

    private final Api api = TestDaemon.shared().api();

    /** The name as printf writes it, as it stands in a path, and as it stands in JSON. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            ignoreLeadingAndTrailingWhitespace = true,
            quoteCharacter = '`',
            value = {
                "sea-\\303\\274 | sea-%C3%BC | sea-\\u00fc",
                "sea-\\377      | sea-%FF    | sea-\\udcff",
                "sea-\\303      | sea-%c3    | sea-\\udcc3",
                "sea-%%         | sea-%25    | sea-%",
                "sea-\\\\       | sea-%5C    | sea-\\\\",
                "sea-;          | sea-%3B    | sea-;",
                "sea-a\\nb      | sea-a%0Ab  | sea-a\\nb",
                "sea-a b        | sea-a%20b  | sea-a b",
                "4711           | 4711       | 4711",
                "graph          | graph      | graph",
                "net:sea        | net:sea    | net:sea",
                "99999999999999999999 | 99999999999999999999 | 99999999999999999999"
            })
    void areShownUsedAndRemoved(String printf, String path, String json) {
        shell("ip netns add \"$(printf '" + printf + "')\"");
        try {
            see(api, path, json);
        } finally {
            shell("ip netns delete \"$(printf '" + printf + "')\" 2>/dev/null || true");
        }
    }

    private static void see(Api api, String path, String json) {
        String name =
                new tools.jackson.databind.json.JsonMapper()
                        .readTree("\"" + json + "\"")
                        .asString();
        JsonNode list = api.get("/namespaces?named=true&limit=1000").expect(200).json();
        assertThat(
                        StreamSupport.stream(list.path("items").spliterator(), false)
                                .map(each -> each.path("name").asString()))
                .contains(name);
        String at = "/namespaces/net:" + path;
        JsonNode found = api.get(at).expect(200).json();
        assertThat(found.path("name").asString()).isEqualTo(name);
        api.get(at + "/view").expect(200);
        JsonNode run =
                api.post(
                                "/runs",
                                """
                                {
                                  "command": ["readlink", "/proc/self/ns/net"],
                                  "network": {"mode": "namespace", "join": "%s"}
                                }
                                """
                                        .formatted(json))
                        .expect(200)
                        .json();
        assertThat(run.path("stdout").asString())
                .isEqualTo("net:[" + found.path("id").asLong() + "]\n");
        api.delete(at).expect(204);
        api.get(at).expect(404);
    }

    private static void shell(String script) {
        Outside.run("sh", "-c", script);
    }

    @Test
    void whatIsNoNamespaceIsToldAsStaleAndRemoved() throws Exception {
        Path directory = Files.createDirectory(Path.of("/run/netns/sea-directory"));
        try {
            assertThat(api.get("/namespaces/net:sea-directory").json().path("stale").asBoolean())
                    .isTrue();
            Path file = Files.createFile(directory.resolve("file"));
            api.delete("/namespaces/net:sea-directory").expectProblem(409, "wrong-state");
            Files.delete(file);
            api.delete("/namespaces/net:sea-directory").expect(204);
            assertThat(directory).doesNotExist();
        } finally {
            Files.deleteIfExists(directory);
        }
    }

    @Test
    void eachNameOfANamespaceIsListed() {
        shell("ip netns add sea-one; touch /run/netns/sea-two");
        shell("mount --bind /run/netns/sea-one /run/netns/sea-two");
        try {
            JsonNode list = api.get("/namespaces?named=true&type=net&limit=1000").json();
            assertThat(
                            StreamSupport.stream(list.path("items").spliterator(), false)
                                    .map(each -> each.path("name").asString()))
                    .contains("sea-one", "sea-two");
            assertThat(api.get("/namespaces/sea-two").json().path("name").asString())
                    .isEqualTo("sea-two");
            api.delete("/namespaces/sea-two").expect(200);
            assertThat(api.get("/namespaces/sea-one").status()).isEqualTo(200);
        } finally {
            shell("ip netns delete sea-two 2>/dev/null; ip netns delete sea-one");
        }
    }

    /** A service manager starts the daemon without a locale. */
    @Test
    void inTheLocaleCNamesAreBytesToo() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        Path mount = Files.createDirectories(places.base().resolve("mount"));
        shell("mkdir \"$(printf '" + mount + "/\\377')\" \"$(printf '" + mount + "/\\303\\274')\"");
        shell("for d in " + mount + "/*; do mount -t tmpfs x \"$d\"; done");
        shell("ip netns add \"$(printf 'sea-\\377')\"");
        try (ExternalDaemon daemon = ExternalDaemon.startWithoutLocale(places)) {
            assertThat(daemon.api().shell("echo \"$(printf '\\303\\274')\"")).isEqualTo("ü\n");
            daemon.api().destroy(daemon.api().create("{\"command\":[\"true\"]}"));
            see(daemon.api(), "sea-%FF", "sea-\\udcff");
        } finally {
            shell("for d in " + mount + "/*; do umount \"$d\"; done");
            shell("ip netns delete \"$(printf 'sea-\\377')\" 2>/dev/null || true");
            Outside.delete(places.base());
            Files.deleteIfExists(Path.of("target", places.cgroup() + ".log"));
        }
    }
}

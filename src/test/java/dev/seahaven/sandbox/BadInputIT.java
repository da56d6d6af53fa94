package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Every refusal names the field, and leaves nothing behind. */
@ExtendWith(NothingLeft.class)
class BadInputIT {

    private final Api api = TestDaemon.shared().api();

    private Api.Answer create(String members) {
        return api.post("/sandboxes", "{\"command\":[\"true\"]," + members + "}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"nonsense\":1 | nonsense",
                "\"rootfs\":{\"path\":\"/x\",\"nonsense\":1} | rootfs.nonsense",
                "\"image\":\"debian\" | image",
                "\"limits\":{\"pids\":5} | limits",
                "\"security\":{} | security",
                "\"mounts\":[] | mounts",
                "\"restart\":{} | restart",
                "\"terminal\":true | terminal",
                "\"network\":{\"mode\":\"none\",\"ports\":[]} | network.ports",
                "\"network\":{\"mode\":\"bridge\"} | network.mode",
                "\"network\":{\"mode\":\"x\"} | network.mode",
                "\"network\":{\"mode\":\"sandbox\"} | network.join",
                "\"network\":{\"mode\":\"none\",\"join\":\"x\"} | network.join",
                "\"init\":\"yes\" | init",
                "\"init\":1 | init",
                "\"name\":5 | name",
                "\"env\":[] | env",
                "\"env\":{\"A\":5} | env.A",
                "\"env\":{\"A=B\":\"x\"} | env.A=B",
                "\"env\":{\"A\":null} | env.A",
                "\"timeoutSeconds\":\"5\" | timeoutSeconds",
                "\"timeoutSeconds\":0 | timeoutSeconds",
                "\"timeoutSeconds\":-1 | timeoutSeconds",
                "\"name\":\"Upper\" | name",
                "\"name\":\"-a\" | name",
                "\"name\":\"123\" | name",
                "\"name\":\"a/b\" | name",
                "\"hostname\":\"a b\" | hostname",
                "\"hostname\":\"x\",\"namespaces\":{\"uts\":\"host\"} | hostname",
                "\"workingDirectory\":\"etc\" | workingDirectory",
                "\"workingDirectory\":\"/no/such\" | workingDirectory",
                "\"workingDirectory\":\"/etc/os-release\" | workingDirectory",
                "\"workingDirectory\":\"/proc/self/fd/7\" | workingDirectory",
                "\"workingDirectory\":\"/proc/self/fd/3\" | workingDirectory",
                "\"user\":\"nosuchuser\" | user",
                "\"user\":\"0:nosuchgroup\" | user",
                "\"user\":\"70000\" | user",
                "\"user\":\"\" | user",
                "\"stopSignal\":\"NONE\" | stopSignal",
                "\"stdin\":\"x\" | stdin",
                "\"rootfs\":{} | rootfs.path",
                "\"rootfs\":{\"path\":\"srv\"} | rootfs.path",
                "\"rootfs\":{\"path\":\"/srv/../etc\"} | rootfs.path",
                "\"rootfs\":{\"path\":\"/no/such\"} | rootfs.path",
                "\"rootfs\":{\"path\":\"/etc/os-release\"} | rootfs.path",
                "\"rootfs\":{\"path\":\"/etc/passwd\"} | rootfs.path",
                "\"rootfs\":{\"path\":\"/bin\"} | rootfs.path",
                "\"rootfs\":{\"path\":\"/\",\"ephemeral\":false} | rootfs.path",
                "\"rootfs\":{\"path\":\"/var\",\"ephemeral\":false} | rootfs.path",
                "\"rootfs\":{\"path\":\"/opt\",\"ephemeral\":false} | rootfs.path",
                "\"rootfs\":{\"path\":\"/var\"},\"namespaces\":{\"user\":\"host\"} | rootfs.path",
                "\"namespaces\":{\"pid\":\"old\"} | namespaces.pid",
                "\"namespaces\":{\"user\":\"host\"} | namespaces.user",
                "\"namespaces\":{\"user\":{\"mode\":\"host\",\"uidMappings\":[{\"inside\":0,\"outside\":1,\"length\":1}]}}"
                    + " | namespaces.user.uidMappings",
                "\"namespaces\":{\"user\":{\"uidMappings\":[{\"inside\":0,\"outside\":0,\"length\":65536}]}}"
                    + " | namespaces.user",
                "\"namespaces\":{\"user\":{\"uidMappings\":[{\"inside\":1,\"outside\":700000,\"length\":5}]}}"
                    + " | namespaces.user.uidMappings",
                "\"namespaces\":{\"user\":{\"uidMappings\":[{\"inside\":0,\"outside\":700000,\"length\":5},{\"inside\":4,\"outside\":800000,\"length\":5}]}}"
                    + " | namespaces.user.uidMappings[1]",
                "\"namespaces\":{\"user\":{\"uidMappings\":[{\"inside\":0,\"outside\":4294967295,\"length\":5}]}}"
                    + " | namespaces.user.uidMappings[0]",
                "\"namespaces\":{\"user\":{\"uidMappings\":[{\"inside\":0,\"outside\":7}]}} |"
                        + " namespaces.user.uidMappings[0]",
                "\"namespaces\":{\"user\":\"sandbox:none\"} | namespaces",
                "\"namespaces\":{\"ipc\":\"namespace:none\"} | namespaces.ipc",
                "\"namespaces\":{\"time\":{\"monotonicOffsetSeconds\":5}} |"
                        + " namespaces.time.monotonicOffsetSeconds",
                "\"namespaces\":{\"time\":{\"mode\":\"new\",\"boottimeOffsetSeconds\":9223372036854775807}}"
                    + " | namespaces.time.boottimeOffsetSeconds",
                "\"namespaces\":{\"time\":{\"mode\":\"new\",\"monotonicOffsetSeconds\":-100000000}}"
                        + " | namespaces.time",
                "\"rootfs\":{\"path\":\"/opt\"},\"namespaces\":{\"mount\":\"host\"} | rootfs",
                "\"network\":{\"mode\":\"sandbox\",\"join\":\"none\"} | namespaces",
                "\"network\":{\"mode\":\"namespace\",\"join\":\"none\"} | network.join",
                "\"labels\":{\"a\":\"x\\u0000\"} | labels.a",
                "\"env\":{\"A\":\"x\\u0000\"} | env.A",
                "\"user\":\"a\\u0000\" | user",
                "\"rootfs\":{\"path\":\"/srv\\u0000\"} | rootfs.path",
                "\"workingDirectory\":\"/\\u0000\" | workingDirectory",
                "\"name\":\"a\\u0000b\" | name",
                "\"hostname\":\"a\\u0000b\" | hostname",
                "\"namespaces\":{\"pid\":\"sandbox:\\u0000\"} | namespaces.pid",
            })
    void aWrongMemberIsNamed(String members, String field) {
        create(members).expectViolation(field);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{} | command",
                "{\"command\":[]} | command",
                "{\"command\":\"true\"} | command",
                "{\"command\":[\"\"]} | command[0]",
                "{\"command\":[null]} | command[0]",
                "{\"command\":[5]} | command[0]",
                "{\"command\":[\"a\\u0000b\"]} | command[0]",
            })
    void aCommandIsNeeded(String body, String field) {
        api.post("/sandboxes", body).expectViolation(field);
        api.post("/runs", body).expectViolation(field);
    }

    @Test
    void allThatIsWrongIsToldAtOnce() {
        create("\"name\":\"A\",\"nope\":1,\"neither\":2,\"timeoutSeconds\":-1,\"user\":\"\"")
                .expectViolation("nope")
                .expectViolation("neither");
        create("\"name\":\"A\",\"timeoutSeconds\":-1,\"user\":\"\"")
                .expectViolation("name")
                .expectViolation("timeoutSeconds")
                .expectViolation("user");
    }

    @Test
    void absentAndNullAreTheSame() {
        create("\"image\":null,\"limits\":null,\"name\":null,\"start\":false,\"env\":null")
                .expect(201);
        String id =
                api.get("/sandboxes?limit=1000").json().path("items").path(0).path("id").asString();
        api.destroy(id);
    }

    @Test
    void aBodyThatIsNoDocumentIsMalformed() {
        for (String body :
                new String[] {
                    "{\"command\":[\"true\"]",
                    "",
                    "x",
                    "{\"command\":[\"true\"]} {}",
                    "{\"command\":[\"true\"],\"command\":[]}"
                }) {
            api.post("/sandboxes", body).expectProblem(400, "malformed-body");
        }
        api.post("/sandboxes", "[]").expect(400);
    }

    @Test
    void aRootOfTheDaemonsOwnStateIsRefused() {
        Path state = TestDaemon.shared().places().state();
        create("\"rootfs\":{\"path\":\"" + state + "\"}").expectViolation("rootfs.path");
        create("\"rootfs\":{\"path\":\"" + TestDaemon.shared().places().run() + "\"}")
                .expectViolation("rootfs.path");
    }

    @Test
    void aLinkIsNoRoot() throws Exception {
        Path link = Path.of("/opt/seahaven-test-link");
        Files.createSymbolicLink(link, Path.of("/usr"));
        try {
            create("\"rootfs\":{\"path\":\"" + link + "\"}").expectViolation("rootfs.path");
            create("\"rootfs\":{\"path\":\"" + link + "/share\"}").expectViolation("rootfs.path");
        } finally {
            Files.delete(link);
        }
    }

    @Test
    void aReadOnlyRootNeedsItsMountPoints() throws Exception {
        Path root = Files.createTempDirectory(Path.of("/opt"), "seahaven-test");
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
        try {
            create("\"rootfs\":{\"path\":\"" + root + "\",\"ephemeral\":false,\"readOnly\":true}")
                    .expectViolation("rootfs.path");
            Files.createSymbolicLink(root.resolve("dev"), Path.of("/etc"));
            create("\"rootfs\":{\"path\":\"" + root + "\"}").expectViolation("rootfs.path");
        } finally {
            Outside.delete(root);
        }
    }

    @Test
    void aNamespaceOfTheWrongTypeIsAConflict() {
        String net = Outside.namespace("self", "net").replaceAll("\\D", "");
        create("\"namespaces\":{\"ipc\":\"namespace:" + net + "\"}")
                .expectProblem(409, "wrong-namespace-type");
    }

    @Test
    void twoMebibytesAreTooMuch() {
        api.post("/sandboxes", "{\"command\":[\"" + "x".repeat(2 << 20) + "\"]}")
                .expectProblem(413, "too-large");
        api.send(
                        api.request("/sandboxes")
                                .header("Content-Type", "application/json")
                                .POST(
                                        java.net.http.HttpRequest.BodyPublishers.ofInputStream(
                                                () ->
                                                        new java.io.ByteArrayInputStream(
                                                                ("{\"name\":\""
                                                                                + "x"
                                                                                        .repeat(
                                                                                                2
                                                                                                        << 20)
                                                                                + "\"}")
                                                                        .getBytes(
                                                                                java.nio.charset
                                                                                        .StandardCharsets
                                                                                        .UTF_8)))))
                .expectProblem(413, "too-large");
    }

    @Test
    void aHundredThousandVariablesAreTooMany() {
        String env =
                IntStream.range(0, 100_000)
                        .mapToObj(i -> "\"" + Integer.toString(i, 36) + "\":\"\"")
                        .collect(Collectors.joining(","));
        Api.Answer answer = create("\"env\":{" + env + "}");
        assertThat(answer.text()).contains("at most 10000");
        answer.expectViolation("env");
    }

    @Test
    void tooManyArgumentBytesAreRefused() {
        create("\"env\":{\"A\":\"" + "x".repeat(200_000) + "\"}").expectViolation("command");
        String many =
                IntStream.range(0, 6)
                        .mapToObj(i -> "\"A" + i + "\":\"" + "x".repeat(100_000) + "\"")
                        .collect(Collectors.joining(","));
        create("\"env\":{" + many + "}").expectViolation("command");
    }

    @Test
    void aMappingThatAnotherSandboxHasIsRefused() {
        String mapping =
                "\"namespaces\":{\"user\":{\"uidMappings\":[{\"inside\":0,\"outside\":2000000000,\"length\":1000}]}}";
        String id = create("\"start\":false," + mapping).expect(201).json().path("id").asString();
        create(mapping).expectViolation("namespaces.user.uidMappings");
        api.destroy(id);
        api.destroy(create("\"start\":false," + mapping).expect(201).json().path("id").asString());
    }
}

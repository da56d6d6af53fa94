package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import tools.jackson.databind.JsonNode;

import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** Who may call, and what the web server itself answers. */
@ExtendWith(NothingLeft.class)
class AccessIT {

    private final TestDaemon daemon = TestDaemon.shared();
    private final Api api = daemon.api();

    /** A request byte by byte, for what no client would send. */
    private String raw(String request) throws Exception {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), api.port())) {
            socket.setSoTimeout(5000);
            socket.getOutputStream()
                    .write(request.replace("\n", "\r\n").getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/sandboxes",
                "/system",
                "/actuator/metrics",
                "/no-such",
                "/actuator/prometheus"
            })
    void byTcpATokenIsNeeded(String path) {
        Api.Answer answer = api.send(api.withoutToken(path));
        answer.expectProblem(401, "unauthorized");
        assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer");
        api.send(api.withoutToken(path).header("Authorization", "Bearer wrong"))
                .expectProblem(401, "unauthorized");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/actuator/health", "/v3/api-docs", "/swagger-ui/index.html"})
    void someThingsNeedNone(String path) {
        api.send(api.withoutToken(path)).expect(200);
    }

    @Test
    void whoHasNoTokenIsToldTheStatusAlone() {
        JsonNode told = api.send(api.withoutToken("/actuator/health")).expect(200).json();
        assertThat(told.path("status").asString()).isEqualTo("UP");
        assertThat(told.has("components")).as(told.toString()).isFalse();
        api.send(api.withoutToken("/actuator/health/diskSpace")).expect(404);
        assertThat(api.get("/actuator/health/diskSpace").expect(200).json().has("details"))
                .isTrue();
        String socket = daemon.places().run().resolve("seahaven.sock").toString();
        String url = "http://localhost/actuator/health";
        assertThat(Outside.run("curl", "-sS", "--unix-socket", socket, url)).contains("components");
    }

    @Test
    void theTokenFileIsForRootAlone() throws Exception {
        Path token = daemon.places().run().resolve("token");
        assertThat(Files.getPosixFilePermissions(token))
                .isEqualTo(PosixFilePermissions.fromString("rw-------"));
        assertThat(Files.readString(token)).hasSize(43);
        assertThat(Files.getPosixFilePermissions(daemon.places().run()))
                .doesNotContainAnyElementsOf(PosixFilePermissions.fromString("----w-rwx"));
        assertThat(Files.getPosixFilePermissions(daemon.places().run().resolve("seahaven.sock")))
                .isEqualTo(PosixFilePermissions.fromString("rw-rw----"));
    }

    @Test
    void byTheUnixSocketNoneIsNeeded() {
        String answer =
                Outside.run(
                        "curl",
                        "-sS",
                        "--unix-socket",
                        daemon.places().run().resolve("seahaven.sock").toString(),
                        "-H",
                        "Content-Type: application/json",
                        "-d",
                        """
                        {"command": ["echo", "by socket"]}
                        """,
                        "http://localhost/runs");
        assertThat(answer).contains("\"stdout\":\"by socket\\n\"");
    }

    @Test
    void aForeignHostIsMisdirected() throws Exception {
        assertThat(raw("GET /actuator/health HTTP/1.1\nHost: evil.example\nConnection: close\n\n"))
                .startsWith("HTTP/1.1 421")
                .contains("/problems/wrong-host");
        for (String host :
                new String[] {"localhost", "127.0.0.1:1", "[::1]:8080", "LOCALHOST:80"}) {
            assertThat(
                            raw(
                                    "GET /actuator/health HTTP/1.1\nHost: "
                                            + host
                                            + "\nConnection: close\n\n"))
                    .startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void aForeignOriginIsForbidden() {
        api.send(api.request("/sandboxes").header("Origin", "http://evil.example"))
                .expectProblem(403, "foreign-origin");
        api.send(api.request("/sandboxes").header("Origin", "null"))
                .expectProblem(403, "foreign-origin");
        api.send(api.request("/sandboxes").header("Origin", "http://127.0.0.1:" + api.port()))
                .expect(200);
        api.send(
                        api.withoutToken("/sandboxes")
                                .header("Origin", "http://evil.example")
                                .method("OPTIONS", HttpRequest.BodyPublishers.noBody()))
                .expectProblem(403, "foreign-origin");
    }

    @Test
    void otherMediaTypesAreRefused() {
        for (String type : new String[] {"text/plain", "application/x-www-form-urlencoded"}) {
            api.send(
                            api.request("/sandboxes")
                                    .header("Content-Type", type)
                                    .POST(HttpRequest.BodyPublishers.ofString("{}")))
                    .expectProblem(415, "unsupported-media-type");
        }
        api.send(api.request("/sandboxes").header("Accept", "image/png"))
                .expectProblem(406, "not-acceptable");
    }

    @ParameterizedTest
    @ValueSource(strings = {"limit=%zz", "%", "label=%ff", "=1", "="})
    void aQueryThatCannotBeReadIsRefused(String query) throws Exception {
        String answer =
                raw(
                        """
                        GET /sandboxes?%s HTTP/1.1
                        Host: localhost
                        Authorization: Bearer %s
                        Connection: close

                        """
                                .formatted(query, api.token()));
        assertThat(answer).startsWith("HTTP/1.1 400").contains("/problems/invalid-request");
    }

    @Test
    void whatIsEmptyIsNotPassedOver() {
        api.get("/sandboxes?label=").expectViolation("label");
        api.get("/sandboxes?limit=").expectViolation("limit");
        api.get("/sandboxes?after=xyz").expectViolation("after");
        api.get("/sandboxes?after=MDAw").expectViolation("after");
    }

    @Test
    void aBodyThatAnOperationDoesNotTakeIsRefused() {
        String start = "/sandboxes/none/start";
        for (String type : List.of("multipart/form-data", "text/plain")) {
            api.send(
                            api.request(start)
                                    .header("Content-Type", type)
                                    .POST(HttpRequest.BodyPublishers.ofString("a=b")))
                    .expectProblem(415, "unsupported-media-type");
        }
        api.post(start, "{\"foo\": 1}").expectViolation("foo");
        api.post(start, "{\"foo\"").expectProblem(400, "malformed-body");
        api.post(start, "{}").expectProblem(404, "not-found");
    }

    @Test
    void wrongPathsAndMethodsAreProblems() {
        api.get("/no/such").expectProblem(404, "not-found");
        api.get("/sandboxes/none").expectProblem(404, "not-found");
        api.patch("/runs", "{}").expectProblem(405, "method-not-allowed");
        api.send(api.request("/sandboxes").PUT(HttpRequest.BodyPublishers.noBody()))
                .expectProblem(405, "method-not-allowed");
        api.post("/sandboxes/none/start").expectProblem(404, "not-found");
        api.get("/sandboxes/a%2Fb").expect(400);
        api.get("/sandboxes;x=1").expect(400);
        api.get("/error").expect(404);
        assertThat(api.send(api.withoutToken("/").GET()).expect(302).header("Location"))
                .endsWith("/swagger-ui/index.html");
    }

    @Test
    void whatIsNoHttpIsAProblemToo() throws Exception {
        for (String request :
                new String[] {
                    "GET /a|b HTTP/1.1\nHost: localhost\nConnection: close\n\n",
                    "NONSENSE\n\n",
                    "GET / HTTP/1.1\nHost: localhost\nHost: localhost\n\n",
                    "GET / HTTP/1.1\nHost: localhost\nA: " + "x".repeat(20_000) + "\n\n",
                    "TRACE /sandboxes HTTP/1.1\nHost: localhost\nConnection: close\n\n"
                }) {
            String answer = raw(request);
            assertThat(answer).as(request).startsWith("HTTP/1.1 4").contains("/problems/");
            assertThat(answer).doesNotContainIgnoringCase("tomcat").doesNotContain("Exception");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"--server.port=0", "--server.ssl.enabled=false"})
    void anOpenAddressWithoutTlsIsRefused(String more) {
        org.assertj.core.api.Assertions.assertThatThrownBy(
                        () -> TestDaemon.start("--server.address=0.0.0.0", more))
                .hasStackTraceContaining("does not listen on");
    }

    @Test
    void withTlsItServesOnEveryAddressWhoHasTheToken(@TempDir Path keys) throws Exception {
        String store = keys.resolve("store.p12").toString();
        String certificate = keys.resolve("certificate.pem").toString();
        keytool(
                "-genkeypair",
                store,
                "-keyalg",
                "EC",
                "-dname",
                "CN=x",
                "-ext",
                "SAN=DNS:localhost");
        keytool("-exportcert", store, "-rfc", "-file", certificate);
        try (TestDaemon open =
                TestDaemon.start(
                        "--server.address=0.0.0.0",
                        "--server.ssl.key-store=" + store,
                        "--server.ssl.key-store-password=changeit")) {
            String url = "https://localhost:" + open.api().port() + "/sandboxes";
            String token = "Authorization: Bearer " + open.api().token();
            assertThat(Outside.run("curl", "-sS", "--cacert", certificate, url))
                    .contains("unauthorized");
            assertThat(Outside.run("curl", "-sS", "--cacert", certificate, "-H", token, url))
                    .contains("\"items\":[]");
        }
    }

    private static void keytool(String what, String store, String... more) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                System.getProperty("java.home") + "/bin/keytool",
                                what,
                                "-keystore",
                                store,
                                "-storepass",
                                "changeit"));
        command.addAll(List.of(more));
        Outside.run(command.toArray(String[]::new));
    }
}

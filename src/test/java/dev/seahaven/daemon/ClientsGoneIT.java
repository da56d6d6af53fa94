package dev.seahaven.daemon;

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
import org.junit.jupiter.params.provider.CsvSource;

import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Clients that go away, and clients that do not read. */
@ExtendWith(NothingLeft.class)
class ClientsGoneIT {

    private final Api api = TestDaemon.shared().api();

    private Socket send(String method, String path, String headers, String body) throws Exception {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), api.port());
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        String head =
                "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%sContent-Length: %d\r\n\r\n"
                        .formatted(method, path, api.token(), headers, bytes.length);
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().write(bytes);
        return socket;
    }

    private static boolean sleeps(String seconds) {
        try {
            return new ProcessBuilder("pgrep", "-f", "^sleep " + seconds + "$").start().waitFor()
                    == 0;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static void awaitSleep(String seconds, boolean there) {
        await().atMost(Duration.ofSeconds(there ? 10 : 2)).until(() -> sleeps(seconds) == there);
    }

    /** Half a header that nobody goes on with, and one that comes byte by byte. */
    @ParameterizedTest
    @CsvSource({"0, 19, 25", "3000, 29, 36"})
    void aHeaderThatDoesNotEndIsNotWaitedFor(long pause, int least, int most) throws Exception {
        try (Socket client = new Socket(InetAddress.getLoopbackAddress(), api.port())) {
            client.setSoTimeout(pause == 0 ? 60_000 : (int) pause);
            long begun = System.nanoTime();
            client.getOutputStream()
                    .write(
                            "GET /system HTTP/1.1\r\nHost: local"
                                    .getBytes(StandardCharsets.US_ASCII));
            while (true) {
                try {
                    if (client.getInputStream().read() < 0) {
                        break;
                    }
                } catch (SocketTimeoutException e) {
                    client.getOutputStream().write('x');
                } catch (SocketException e) {
                    break;
                }
            }
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .isBetween(Duration.ofSeconds(least), Duration.ofSeconds(most));
        }
    }

    private static final String JSON = "Content-Type: application/json\r\n";

    @Test
    void aRunEndsWithinASecondAndItsNameIsFree() throws Exception {
        String body = "{\"name\":\"vanishes\",\"command\":[\"sleep\",\"98761\"]}";
        try (Socket client = send("POST", "/runs", JSON, body)) {
            awaitSleep("98761", true);
            assertThat(client.isConnected()).isTrue();
        }
        awaitSleep("98761", false);
        await().atMost(Duration.ofSeconds(2))
                .until(() -> api.get("/runs").json().path("total").asInt() == 0);
        api.post("/runs", "{\"name\":\"vanishes\",\"command\":[\"true\"]}").expect(200);
    }

    @Test
    void aProgramInANamespaceEndsWithinASecond() throws Exception {
        try (HostProcess process = HostProcess.sleeping("exec unshare --uts sleep 60")) {
            String path = "/namespaces/" + process.namespace("uts") + "/exec";
            try (Socket client = send("POST", path, JSON, "{\"command\":[\"sleep\",\"98762\"]}")) {
                awaitSleep("98762", true);
                assertThat(client.isConnected()).isTrue();
            }
            awaitSleep("98762", false);
        }
    }

    /** Its answer is kept, and its client may come back for it. */
    @Test
    void oneWithAnIdempotencyKeyGoesOn() throws Exception {
        String headers = JSON + "Idempotency-Key: goes-on-" + System.nanoTime() + "\r\n";
        String body = "{\"name\":\"goes-on\",\"command\":[\"sleep\",\"98763\"]}";
        try (Socket client = send("POST", "/runs", headers, body)) {
            awaitSleep("98763", true);
            assertThat(client.isConnected()).isTrue();
        }
        Thread.sleep(1500);
        assertThat(sleeps("98763")).isTrue();
        assertThat(api.get("/runs").json().path("total").asInt()).isEqualTo(1);
        api.delete("/runs/goes-on").expect(204);
        awaitSleep("98763", false);
    }

    /** What the client sends next is read as the next request. */
    @Test
    void aClientThatSendsItsNextRequestEarlyHasNotGone() throws Exception {
        String body = "{\"command\":[\"sleep\",\"1\"]}";
        try (Socket client = send("POST", "/runs", JSON, body)) {
            client.getOutputStream()
                    .write(
                            ("GET /runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                            + "Authorization: Bearer "
                                            + api.token()
                                            + "\r\n\r\n")
                                    .getBytes(StandardCharsets.US_ASCII));
            String answers =
                    new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            assertThat(answers).contains("\"reason\":\"exited\"").contains("\"items\":[]");
        }
    }

    @Test
    void aFollowerWhoDoesNotReadHoldsNobodyUp() throws Exception {
        String stream = "Accept: text/event-stream\r\n";
        List<Socket> lazy = new ArrayList<>();
        try (Socket good = send("GET", "/namespaces/graph", stream, "")) {
            for (int i = 0; i < 3; i++) {
                lazy.add(send("GET", "/namespaces/graph", stream, ""));
            }
            good.setSoTimeout(5000);
            InputStream in = good.getInputStream();
            String heard = "";
            for (int change = 0; change < 4; change++) {
                try (HostProcess process = HostProcess.sleeping("exec unshare --uts sleep 60")) {
                    String number = "" + process.namespace("uts");
                    heard = "";
                    while (!heard.contains(number)) { // or the read takes too long
                        byte[] some = new byte[1 << 16];
                        int got = in.read(some);
                        assertThat(got).isPositive();
                        heard += new String(some, 0, got, StandardCharsets.UTF_8);
                    }
                }
            }
            assertThat(heard).contains("event:change");
        } finally {
            for (Socket each : lazy) {
                each.close();
            }
        }
    }

    @Test
    void manyConnectAtOnce() throws Exception {
        List<Socket> all = new ArrayList<>();
        try {
            for (int i = 0; i < 500; i++) {
                all.add(new Socket(InetAddress.getLoopbackAddress(), api.port()));
            }
            assertThat(api.get("/runs").status()).isEqualTo(200);
            String listening = Outside.run("ss", "-Hltn", "sport = :" + api.port());
            assertThat(Integer.parseInt(listening.trim().split("\\s+")[2])).isGreaterThan(1000);
        } finally {
            for (Socket each : all) {
                each.close();
            }
        }
    }
}

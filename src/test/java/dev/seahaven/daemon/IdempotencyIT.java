package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/** A repeat of a request is answered as the first, and done once. */
@ExtendWith(NothingLeft.class)
class IdempotencyIT {

    private static final String SLEEPER =
            """
            {"command": ["sleep", "1000"]}
            """;

    private static final String LATER =
            """
            {"command": ["sleep", "1000"], "start": false}
            """;

    private final String key = UUID.randomUUID().toString();

    private Api.Answer create(Api api, String body) {
        return api.send(
                api.request("/sandboxes")
                        .header("Content-Type", "application/json")
                        .header("Idempotency-Key", key)
                        .POST(BodyPublishers.ofString(body)));
    }

    @Test
    void aRepeatIsGivenTheFirstAnswerAlsoByANewDaemon() throws Exception {
        TestDaemon daemon = TestDaemon.start();
        daemon.keepPlaces();
        String id;
        try {
            Api api = daemon.api();
            Api.Answer first = create(api, LATER).expect(201);
            id = first.json().path("id").asString();
            Api.Answer again = create(api, LATER).expect(201);
            assertThat(again.text()).isEqualTo(first.text());
            assertThat(again.header("Location")).isEqualTo(first.header("Location"));
            assertThat(again.header("ETag")).isEqualTo(first.header("ETag"));
            assertThat(again.header("Content-Type")).startsWith("application/json");
            create(
                            api,
                            """
                            {"command": ["sleep", "2000"]}
                            """)
                    .expectProblem(409, "idempotency-conflict");
            assertThat(api.get("/sandboxes").json().path("total").asInt()).isEqualTo(1);
        } finally {
            daemon.close();
        }
        try (TestDaemon next = TestDaemon.at(daemon.places())) {
            Api api = next.api();
            Api.Answer again = create(api, LATER).expect(201);
            assertThat(again.json().path("id").asString()).isEqualTo(id);
            assertThat(api.get("/sandboxes").json().path("total").asInt()).isEqualTo(1);
            api.destroy(id);
        }
    }

    @Test
    void repeatsThatComeTogetherAreOneRequest() throws Exception {
        Api api = TestDaemon.shared().api();
        Callable<Api.Answer> request = () -> create(api, SLEEPER).expect(201);
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Api.Answer>> all =
                    pool.invokeAll(Stream.generate(() -> request).limit(10).toList());
            String id = all.getFirst().get().json().path("id").asString();
            for (Future<Api.Answer> each : all) {
                assertThat(each.get().json().path("id").asString()).isEqualTo(id);
            }
            api.destroy(id);
        }
    }

    /** Nobody can tell what came of it: it is not done a second time. */
    @Test
    void aRequestThatWasCutByTheEndOfTheDaemonIsNotRepeated() throws Exception {
        Api api = TestDaemon.shared().api();
        api.destroy(create(api, SLEEPER).expect(201).json().path("id").asString());
        Path answers = TestDaemon.shared().places().state().resolve("answers");
        try (Stream<Path> files = Files.list(answers)) {
            for (Path each : files.toList()) {
                String document = Files.readString(each);
                Files.writeString(each, document.replaceAll("\"answer\":.*", "\"answer\":null}"));
            }
        }
        create(api, SLEEPER).expectProblem(409, "idempotency-conflict");
    }

    @Test
    void aFailureOfTheDaemonMayBeRepeated() throws Exception {
        Api api = TestDaemon.shared().api();
        String impossible =
                """
                {"command": ["true"], "security": {"apparmor": "none-of-these"}}
                """;
        Api.Answer first = create(api, impossible);
        assertThat(first.status()).isGreaterThanOrEqualTo(500);
        assertThat(create(api, impossible).header("Idempotency-Replayed")).isEmpty();
    }
}

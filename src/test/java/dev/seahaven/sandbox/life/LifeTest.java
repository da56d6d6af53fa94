package dev.seahaven.sandbox.life;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.seahaven.cgroup.Limits;
import dev.seahaven.claim.Residue;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.problem.Problem;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxRequest;
import dev.seahaven.sandbox.spec.SandboxSettings;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.sandbox.spec.SpecResolver;
import dev.seahaven.seccomp.SeccompCompiler;
import dev.seahaven.syscall.LinuxNamespaceCalls;
import dev.seahaven.syscall.Signal;
import dev.seahaven.testing.FakeHost;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Lives of sandboxes on a host that is no host: no root is needed, and any call can fail. */
class LifeTest {

    private static final Path SAMPLES = Path.of("src/test/resources/stored/v1/sandboxes");
    private static final int STEPS_MAX = 200;

    @TempDir private Path top;
    private @Nullable FakeHost begun;
    private @Nullable Sandboxes daemon;

    private void begin(FakeHost.Hierarchies kind) throws Exception {
        begun = new FakeHost(top, kind);
        for (String each : List.of("state", "run")) {
            Files.createDirectories(top.resolve(each));
        }
        daemon = daemon();
    }

    private FakeHost host() {
        return Objects.requireNonNull(begun);
    }

    private Sandboxes sandboxes() {
        return Objects.requireNonNull(daemon);
    }

    private Sandboxes daemon() {
        SandboxSettings settings =
                new SandboxSettings(
                        top.resolve("state"),
                        top.resolve("run"),
                        1 << 20,
                        1 << 20,
                        1 << 20,
                        0,
                        524_288,
                        Duration.ofSeconds(5),
                        2,
                        1 << 30,
                        false,
                        false);
        NamespaceFinder finder =
                new NamespaceFinder(
                        host().syscalls(),
                        new LinuxNamespaceCalls(),
                        host().proc(),
                        top.resolve("run/ns"),
                        top.resolve("run/netns"));
        return new Sandboxes(
                host().syscalls(),
                new LinuxNamespaceCalls(),
                host().proc(),
                host().launcher(),
                host().cgroups(),
                finder,
                settings,
                new SeccompCompiler(new JsonMapper()),
                new Residue(),
                new SimpleMeterRegistry());
    }

    @AfterEach
    void end() {
        sandboxes().close();
        host().close();
    }

    private SandboxSpec spec(String body) {
        SandboxRequest request = new JsonMapper().readValue(body, SandboxRequest.class);
        return new SpecResolver(request, sandboxes().limits(), sandboxes().security()).sandbox();
    }

    private Sandbox create() {
        return sandboxes()
                .commands()
                .create(
                        spec(
                                """
                                {"command": ["sleep", "1000"], "limits": {"pids": 50}}
                                """));
    }

    private String frozen(String id) throws Exception {
        String unified = host().group(id, "cgroup.freeze");
        return unified.isEmpty() ? host().group(id, "freezer.state") : unified.substring(0, 1);
    }

    private List<String> kept() throws Exception {
        try (Stream<Path> entries = Files.list(top.resolve("state/sandboxes"))) {
            return entries.map(each -> each.getFileName().toString()).toList();
        }
    }

    private void checkNothing() {
        await().untilAsserted(
                        () -> {
                            assertThat(host().alive()).isZero();
                            assertThat(host().groups()).isEmpty();
                            assertThat(kept()).isEmpty();
                            assertThat(sandboxes().ids().inUse()).isZero();
                            assertThat(sandboxes().queries().all()).isEmpty();
                        });
    }

    @ParameterizedTest
    @EnumSource
    void aLifeOnEachKindOfHierarchies(FakeHost.Hierarchies kind) throws Exception {
        begin(kind);
        sandboxes().recover(true).join();
        Sandbox sandbox = create();
        String id = sandbox.id().value();
        assertThat(sandbox.state().status()).isEqualTo(SandboxState.Status.RUNNING);
        assertThat(host().group(id, "pids.max")).startsWith("50");
        sandboxes().commands().pause(id, LifeTest::any);
        assertThat(frozen(id)).isIn("1", "FROZEN");
        sandboxes().commands().resume(id, LifeTest::any);
        assertThat(frozen(id)).isIn("0", "THAWED");
        sandboxes().commands().kill(id, Signal.KILL, LifeTest::any);
        await().until(() -> !sandbox.state().status().isAlive());
        sandboxes().commands().delete(id, true, LifeTest::any);
        checkNothing();
    }

    @ParameterizedTest
    @EnumSource
    void aCreationWhoseNthCallFailsLeavesNothing(FakeHost.Hierarchies kind) throws Exception {
        begin(kind);
        sandboxes().recover(true).join();
        boolean struck = true;
        int step = 1;
        for (; struck; step++) {
            assertThat(step).isLessThan(STEPS_MAX);
            host().faults().arm(step);
            Sandbox made = null;
            try {
                made = create();
            } catch (RuntimeException e) {
                assertThat(e).as("step " + step).hasStackTraceContaining("EIO");
            }
            struck = !host().faults().disarm();
            if (made != null) {
                sandboxes().commands().delete(made.id().value(), true, LifeTest::any);
            }
            checkNothing();
        }
        assertThat(step).isGreaterThan(10);
    }

    @Test
    void aChangeWhoseNthCallFailsIsMadeWhollyOrNotAtAll() throws Exception {
        begin(FakeHost.Hierarchies.V2);
        sandboxes().recover(true).join();
        Sandbox sandbox = create();
        String id = sandbox.id().value();
        boolean struck = true;
        int step = 1;
        for (; struck; step++) {
            assertThat(step).isLessThan(STEPS_MAX);
            int pids = 100 + step;
            SandboxSpec wanted =
                    spec(
                            """
                            {"command": ["sleep", "1000"], "limits": {"pids": %d}}
                            """
                                    .formatted(pids));
            int before = pids(sandbox);
            host().faults().arm(step);
            try {
                sandboxes()
                        .commands()
                        .patch(
                                id,
                                old -> old.with(old.name(), old.labels(), wanted.limits()),
                                LifeTest::any);
            } catch (RuntimeException e) {
                assertThat(e).as("step " + step).hasStackTraceContaining("EIO");
            }
            struck = !host().faults().disarm();
            int after = pids(sandbox);
            assertThat(after).as("step " + step).isIn(before, pids);
            String stored =
                    Files.readString(top.resolve("state/sandboxes").resolve(id + "/sandbox.json"));
            assertThat(stored).as("step " + step).contains("\"pids\":" + after);
        }
        assertThat(step).isGreaterThan(3);
        sandboxes().commands().delete(id, true, LifeTest::any);
        checkNothing();
    }

    /** Else the next life that ends would be told as stopped. */
    @Test
    void aStopThatMeetsTheEndLeavesNoMark() throws Exception {
        begin(FakeHost.Hierarchies.V2);
        sandboxes().recover(true).join();
        Sandbox sandbox = create();
        String id = sandbox.id().value();
        host().faults()
                .instead(
                        () -> {
                            host().endAll();
                            await().until(() -> sandbox.life() == null);
                        });
        host().faults().armAt(Pattern.compile("open .*/ending-stopped .*"), 1);
        sandboxes().commands().stop(id, Duration.ofSeconds(1), null, LifeTest::any);
        assertThat(sandbox.life()).isNull();
        sandboxes().commands().end(sandbox, Exit.Reason.DISK_LIMIT);
        try (Stream<Path> files = Files.list(top.resolve("state/sandboxes").resolve(id))) {
            assertThat(files.map(each -> each.getFileName().toString()).toList())
                    .contains("sandbox.json")
                    .noneMatch(name -> name.startsWith("ending-"));
        }
    }

    private static void any(Sandbox sandbox) {
        assertThat(sandbox.id()).isNotNull();
    }

    private static int pids(Sandbox sandbox) {
        return Objects.requireNonNull(sandbox.spec().limits().group().get(Limits.PIDS));
    }

    private Path sample(String name) throws Exception {
        String text = Files.readString(SAMPLES.resolve(name + ".json"));
        String id = new JsonMapper().readTree(text).path("id").asString();
        Path directory = Files.createDirectories(top.resolve("state/sandboxes").resolve(id));
        Files.createDirectories(directory.resolve("layers"));
        Files.writeString(directory.resolve("sandbox.json"), text);
        return directory;
    }

    @ParameterizedTest
    @EnumSource
    void whatTheFirstVersionHasStoredIsReadAfterAReboot(FakeHost.Hierarchies kind)
            throws Exception {
        begin(kind);
        for (String name : List.of("plain", "full", "shared", "missing")) {
            sample(name);
        }
        SandboxRecovery.Found found = sandboxes().recover(false).join();
        assertThat(found.setAside()).isEmpty();
        assertThat(found.ended()).isEqualTo(4);
        Sandbox plain = sandboxes().registry().get("plain");
        assertThat(plain.spec().command()).containsExactly("sleep", "1000");
        assertThat(plain.state().status().isAlive()).isFalse();
    }

    @Test
    void whatIsReadIsWrittenInTheNewFormAndReadAgain() throws Exception {
        begin(FakeHost.Hierarchies.V2);
        Path directory = sample("full");
        sandboxes().recover(false).join();
        Sandbox full = sandboxes().queries().all().iterator().next();
        SandboxSpec before = full.spec();
        sandboxes().commands().patch(full.id().value(), old -> old, LifeTest::any);
        assertThat(directory.resolve("sandbox.json")).content().startsWith("{\"version\":3,");
        sandboxes().close();
        daemon = daemon();
        sandboxes().recover(false).join();
        assertThat(sandboxes().queries().all().iterator().next().spec()).isEqualTo(before);
    }

    @Test
    void whatANewerDaemonHasStoredIsLeftUntouched() throws Exception {
        begin(FakeHost.Hierarchies.V2);
        Path file = sample("plain").resolve("sandbox.json");
        String newer =
                """
                {"version": 99, "unheardOf": true}
                """;
        Files.writeString(file, newer);
        SandboxRecovery.Found found = sandboxes().recover(false).join();
        assertThat(found.setAside())
                .singleElement()
                .asString()
                .contains("version 99", "left as it is");
        assertThat(file).content().isEqualTo(newer);
        assertThat(sandboxes().queries().all()).isEmpty();
    }

    /** It may run: its ids would be those of two sandboxes. */
    @Test
    void theIdsAndTheNameOfANewerDaemonsSandboxAreGivenToNoOther() throws Exception {
        begin(FakeHost.Hierarchies.V2);
        Path file = sample("plain").resolve("sandbox.json");
        String stored = Files.readString(file);
        Files.writeString(file, "{\"version\": 99," + stored.substring(1));
        sandboxes().recover(true).join();
        Sandbox other = create();
        assertThat(other.spec().namespaces().user().uidMappings())
                .singleElement()
                .satisfies(mapping -> assertThat(mapping.outside()).isEqualTo(524_288 + 65_536));
        assertThatThrownBy(
                        () ->
                                sandboxes()
                                        .registry()
                                        .claimName("plain", new SandboxId("aaaaaaaaaaaa")))
                .isInstanceOf(Problem.class);
        sandboxes().commands().delete(other.id().value(), true, LifeTest::any);
    }

    @Test
    void whatCannotBeReadIsSetAside() throws Exception {
        begin(FakeHost.Hierarchies.V2);
        Path directory = sample("plain");
        Files.writeString(directory.resolve("sandbox.json"), "{\"id\":");
        sample("full");
        SandboxRecovery.Found found = sandboxes().recover(false).join();
        assertThat(found.setAside()).hasSize(1);
        assertThat(found.ended()).isEqualTo(1);
        assertThat(directory).doesNotExist();
    }

    /** It may fail as a whole, and what is stored is as it was: the next one finds it. */
    @Test
    void aRecoveryWhoseNthCallFailsLosesNothing() throws Exception {
        begin(FakeHost.Hierarchies.HYBRID);
        for (String name : List.of("plain", "full")) {
            sample(name);
        }
        List<String> stored = kept();
        boolean struck = true;
        for (int step = 1; struck; step++) {
            assertThat(step).isLessThan(STEPS_MAX);
            Sandboxes next = daemon();
            host().faults().arm(step);
            try {
                next.recover(false).join();
            } catch (RuntimeException e) {
                assertThat(e).hasStackTraceContaining("EIO");
            }
            struck = !host().faults().disarm();
            next.close();
            assertThat(kept()).as("step " + step).containsExactlyInAnyOrderElementsOf(stored);
        }
        assertThat(sandboxes().recover(false).join().ended()).isEqualTo(2);
    }
}

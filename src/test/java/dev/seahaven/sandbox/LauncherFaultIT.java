package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.launcher.Launcher;
import dev.seahaven.launcher.Stage;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.testing.Api;
import dev.seahaven.testing.FaultySyscalls;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.annotation.Bean;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A launch that fails or dies at each stage, and a daemon whose n-th system call fails: nothing is
 * left.
 */
@ExtendWith(NothingLeft.class)
class LauncherFaultIT {

    private static final String BODY =
            """
            {"command": ["true"], "namespaces": {"time": {"mode": "new"}}}
            """;
    private static final List<String> ENVIRONMENT = new ArrayList<>();
    private static FaultySyscalls.Pair calls =
            FaultySyscalls.failing(new LinuxSyscalls(), Errno.EIO);

    static class Faults {

        @Bean
        Syscalls syscalls() {
            calls = FaultySyscalls.failing(new LinuxSyscalls(), Errno.EIO);
            return calls.syscalls();
        }

        @Bean
        Launcher launcher(Syscalls syscalls) {
            try {
                byte[] binary =
                        Files.readAllBytes(
                                Path.of("target/launcher-test/seahaven-launcher-faults"));
                return new Launcher(syscalls, binary, ENVIRONMENT);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Test
    void aLaunchThatFailsOrDiesAtAnyStageLeavesNothing() throws Exception {
        ENVIRONMENT.clear();
        try (TestDaemon daemon = TestDaemon.startWith(Faults.class)) {
            Launcher launcher = daemon.bean(Launcher.class);
            for (Stage stage : EnumSet.complementOf(EnumSet.of(Stage.LOST))) { // it has no step
                for (String kind : new String[] {"fail", "die"}) {
                    ENVIRONMENT.clear();
                    ENVIRONMENT.add("FAULT=" + stage.ordinal() + ":" + kind);
                    launcher.close();
                    launcher.start(List.of());
                    strike(daemon, stage, kind, "/sandboxes");
                    if (stage != Stage.RECORD) { // a run has none
                        strike(daemon, stage, kind, "/runs");
                    }
                    checkNothing(daemon, stage + " " + kind);
                }
            }
            ENVIRONMENT.clear();
            launcher.close();
            launcher.start(List.of());
            assertThat(daemon.api().shell("echo well")).isEqualTo("well\n");
        }
    }

    /** The child leaves what the monitor has sent it unread, which the socket tells as an error. */
    @Test
    void whyTheChildFailedIsToldEachTime() throws Exception {
        ENVIRONMENT.clear();
        try (TestDaemon daemon = TestDaemon.startWith(Faults.class)) {
            Launcher launcher = daemon.bean(Launcher.class);
            for (Stage stage : new Stage[] {Stage.HOSTNAME, Stage.NETWORK, Stage.DEVICES}) {
                ENVIRONMENT.clear();
                ENVIRONMENT.add("FAULT=" + stage.ordinal() + ":fail");
                launcher.close();
                launcher.start(List.of());
                for (int i = 0; i < 100; i++) {
                    strike(daemon, stage, "fail", "/sandboxes");
                }
            }
            checkNothing(daemon, "at the end");
        }
    }

    private static void strike(TestDaemon daemon, Stage stage, String kind, String path) {
        Api.Answer answer = daemon.api().post(path, BODY);
        String name = stage.name().toLowerCase(Locale.ROOT).replace('_', '-');
        boolean fails = kind.equals("fail");
        if (stage == Stage.WORKING_DIRECTORY && fails) {
            answer.expectViolation("workingDirectory");
        } else if (answer.status() == 200) { // the monitor of a run has died
            assertThat(path + kind).isEqualTo("/runsdie");
            assertThat(answer.json().path("exit").path("reason").asString())
                    .isEqualTo("monitor-lost");
        } else {
            answer.expectProblem(500, "kernel-refused");
            if (fails) {
                assertThat(answer.json().path("stage").asString())
                        .as(answer.text())
                        .isEqualTo(name);
                assertThat(answer.json().path("errno").asString()).isEqualTo("EIO");
            } else {
                assertThat(answer.json().path("errno").asString())
                        .as(answer.text())
                        .isEqualTo("ECHILD");
            }
        }
    }

    private static void checkNothing(TestDaemon daemon, String when) throws Exception {
        await().untilAsserted(
                        () -> {
                            assertThat(daemon.places().groups()).as(when).isEmpty();
                            assertThat(count(daemon.places().sandboxes())).as(when).isZero();
                            assertThat(count(daemon.places().run().resolve("sandboxes")))
                                    .as(when)
                                    .isZero();
                        });
        assertThat(daemon.api().get("/sandboxes").json().path("items")).as(when).isEmpty();
    }

    private static long count(Path directory) throws IOException {
        try (var entries = Files.list(directory)) {
            return entries.filter(path -> Files.isDirectory(path) || !path.startsWith("/sys"))
                    .count();
        }
    }

    /** Its monitor still writes how the command ended, into a directory that is to be removed. */
    @Test
    void aLaunchThatIsGivenUpAfterTheCommandWasStartedLeavesNothing() throws Exception {
        ENVIRONMENT.clear();
        try (TestDaemon daemon = TestDaemon.startWith(Faults.class)) {
            daemon.api().shell("true"); // then it has looked for the ids that are in use
            for (int i = 0; i < 100; i++) {
                for (String command : new String[] {"true", "sleep\",\"60"}) {
                    calls.control().armFor("pidfdOpen");
                    Api.Answer answer =
                            daemon.api().post("/sandboxes", "{\"command\":[\"" + command + "\"]}");
                    answer.expectProblem(500, "kernel-refused");
                    assertThat(answer.json().path("syscall").asString()).isEqualTo("injected");
                }
            }
            checkNothing(daemon, "at the end");
        }
    }

    @Test
    void aSystemCallOfTheDaemonThatFailsIsToldAndUndone() throws Exception {
        ENVIRONMENT.clear();
        try (TestDaemon daemon = TestDaemon.startWith(Faults.class)) {
            for (String path : new String[] {"/sandboxes", "/runs"}) {
                int number = 1;
                boolean struck = true;
                while (struck) {
                    calls.control().arm(number);
                    Api.Answer answer =
                            daemon.api()
                                    .post(
                                            path,
                                            """
                                            {"command": ["true"]}
                                            """);
                    struck = !calls.control().disarm();
                    if (struck && answer.status() >= 400) {
                        answer.expectProblem(500, "kernel-refused");
                        assertThat(answer.json().path("errno").asString()).isEqualTo("EIO");
                        // What is written to a group is told with its file.
                        assertThat(answer.json().path("syscall").asString())
                                .isIn("injected", "write");
                    }
                    daemon.destroyAll();
                    checkNothing(daemon, path + " " + number);
                    number++;
                }
                assertThat(number).as(path).isGreaterThan(6);
            }
        }
    }

    /** At whatever call of the daemon it happens: a namespace is made, and looked at, once more. */
    @ParameterizedTest
    @ValueSource(strings = {"pid", "time", "user", "mnt"})
    void aNamespaceIsMadeAndLookedAtWhoeverKillsTheMonitorOfItsKeeper(String type)
            throws Exception {
        ENVIRONMENT.clear();
        try (TestDaemon daemon = TestDaemon.startWith(Faults.class)) {
            int[] killed = new int[1];
            calls.control().instead(() -> killed[0] += killMonitors());
            String body =
                    """
                    {"type": "%s", "name": "kept"}
                    """
                            .formatted(type);
            boolean struck = true;
            for (int number = 1; struck; number++) {
                calls.control().arm(number);
                daemon.api().post("/namespaces", body).expect(201);
                struck = !calls.control().disarm();
                delete(daemon, type);
            }
            assertThat(killed[0]).isPositive();
            daemon.api().post("/namespaces", body).expect(201);
            if (type.equals("time") || type.equals("user")) { // no thread can look at those
                killed[0] = 0;
                calls.control().armAt(Pattern.compile("open /proc/\\d+ .*"), 1);
                daemon.api().get("/namespaces/" + type + ":kept/view").expect(200);
                assertThat(killed[0]).isEqualTo(1);
            }
            delete(daemon, type);
        }
    }

    /** Its keeper, which is told to end, may be a holder for a moment. */
    private static void delete(TestDaemon daemon, String type) {
        assertThat(daemon.api().delete("/namespaces/" + type + ":kept").status()).isIn(200, 204);
    }

    private static int killMonitors() {
        List<ProcessHandle> monitors =
                ProcessHandle.current()
                        .descendants()
                        .filter(each -> comm(each).equals("seahaven-mon"))
                        .toList();
        monitors.forEach(ProcessHandle::destroyForcibly);
        await().until(() -> monitors.stream().noneMatch(ProcessHandle::isAlive));
        return monitors.size();
    }

    private static String comm(ProcessHandle process) {
        try {
            return Outside.read("/proc/" + process.pid() + "/comm").trim();
        } catch (UncheckedIOException e) {
            return ""; // it has just ended
        }
    }
}

package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.ExternalDaemon;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The distribution of target/dist: its own runtime, and a cache that is really used. */
@ExtendWith(NothingLeft.class)
class DistributionIT {

    private static final Pattern STARTED = Pattern.compile("process running for ([0-9.]+)");
    private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");
    private static final Path DIST = Path.of("target/dist");
    private static final String SCRIPT = DIST.resolve("bin/seahaven").toString();
    private static final JsonMapper JSON = new JsonMapper();
    private static final int STARTS = 4;
    private static final double MOST_MEBIBYTES = 200;

    private static double last(Pattern pattern, String text) {
        double found = -1;
        for (Matcher matcher = pattern.matcher(text); matcher.find(); ) {
            found = Double.parseDouble(matcher.group(1));
        }
        return found;
    }

    private record Start(double seconds, double mebibytes) {}

    private static Start start(boolean cached) throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        try (ExternalDaemon daemon = ExternalDaemon.startPackaged(places, cached)) {
            String maps = Outside.read("/proc/" + daemon.pid() + "/maps");
            assertThat(maps).contains("/target/dist/runtime/lib/server/libjvm.so");
            assertThat(maps.contains("/target/dist/seahaven.aot")).isEqualTo(cached);
            assertThat(daemon.log()).contains("Starting AOT-processed Seahaven");
            daemon.api().shell("true");
            return new Start(last(STARTED, daemon.log()), idle(daemon.pid()));
        } finally {
            Outside.delete(places.base());
        }
    }

    /** Once the compilers rest and what they took was given back, which is looked for each 5 s. */
    private static double idle(long pid) throws InterruptedException {
        double mebibytes = Double.MAX_VALUE;
        for (int i = 0; i < 12 && mebibytes >= MOST_MEBIBYTES; i++) {
            Thread.sleep(5_000);
            mebibytes = last(RESIDENT, Outside.read("/proc/" + pid + "/status")) / 1024;
        }
        return mebibytes;
    }

    /** The training run ends when the beans are made; little is loaded after that. */
    @Test
    void nearlyAllClassesComeFromTheCache() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        Path log = Path.of("target/loaded-classes.log").toAbsolutePath();
        Files.deleteIfExists(log);
        try (ExternalDaemon daemon =
                ExternalDaemon.startPackaged(places, true, "-Xlog:class+load:file=" + log)) {
            daemon.api().shell("true");
            daemon.api().get("/namespaces").expect(200);
        } finally {
            Outside.delete(places.base());
        }
        List<String> loaded =
                Files.readAllLines(log).stream()
                        .filter(line -> line.contains(" source: "))
                        .filter(line -> !line.contains("Lambda/0x") && !line.contains("LambdaForm"))
                        .toList();
        long cached = loaded.stream().filter(line -> line.contains("shared objects file")).count();
        System.out.printf("%d of %d classes are from the cache%n", cached, loaded.size());
        assertThat((double) cached / loaded.size()).isGreaterThan(0.85);
    }

    /**
     * What only a bug or a lack of memory brings about is not to lie in the directory that it ran
     * in.
     */
    @Test
    void aCrashIsToldOnStandardErrorAndLeavesNoFile() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        try (ExternalDaemon daemon = ExternalDaemon.startPackaged(places, true)) {
            Outside.run("kill", "-SEGV", Long.toString(daemon.pid()));
            daemon.awaitEnd();
            assertThat(daemon.log()).contains("SIGSEGV", "seahaven.aot", "END.");
            for (String name : List.of("hs_err_pid", "replay_pid")) {
                assertThat(Path.of(name + daemon.pid() + ".log")).doesNotExist();
            }
            ExternalDaemon.startPackaged(places, true).close(); // takes away what that one has left
        } finally {
            Outside.delete(places.base());
        }
    }

    @Test
    void whatItLacksIsToldInOneMessage() {
        assertThat(Outside.runTo(1, "unshare", "--user", SCRIPT))
                .contains("- root: the daemon must run as uid 0")
                .doesNotContain("\tat ");
        assertThat(Outside.runTo(1, "setpriv", "--bounding-set=-sys_ptrace,-chown", SCRIPT))
                .contains("- CAP_SYS_PTRACE: ", "- CAP_CHOWN: ")
                .doesNotContain("\tat ");
    }

    @ParameterizedTest
    @CsvSource({
        "--server.port=65536, there is no port 65536",
        "--server.ssl.enabled=true, TLS cannot be set up: ",
        "--server.ssl.certificate=/none --server.ssl.certificate-private-key=/none, /none",
        "--seahaven.state-directory=/dev/null/state, the directory /dev/null/state cannot be made",
        "--seahaven.run-directory=/dev/null, the directory /dev/null cannot be made",
        "--seahaven.sandbox.memry=1GB, 'elements [seahaven.sandbox.memry] were left unbound'",
    })
    void soIsWhatIsWronglyConfigured(String options, String told) throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        List<String> command = new ArrayList<>(List.of(SCRIPT));
        places.arguments(0).stream()
                .filter(usual -> !options.contains(usual.replaceAll("=.*", "=")))
                .forEach(command::add);
        command.addAll(List.of(options.split(" ")));
        try {
            assertThat(Outside.runTo(1, command.toArray(String[]::new)))
                    .contains("Action:", told)
                    .doesNotContain("\tat ");
        } finally {
            Outside.delete(places.base());
        }
    }

    @Test
    void itStartsWhereNoUserHasAName() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        try (ExternalDaemon daemon = ExternalDaemon.startWithoutUsers(places)) {
            assertThat(daemon.api().shell("id -u")).isEqualTo("0\n");
        } finally {
            Outside.delete(places.base());
        }
    }

    @Test
    void itTellsItsVersionAndHowItIsUsed() {
        assertThat(Outside.run(SCRIPT, "--version")).matches("seahaven [0-9.]+(-SNAPSHOT)?\n");
        assertThat(Outside.run(SCRIPT, "--help")).startsWith("Usage: seahaven ");
    }

    @Test
    void theBillOfMaterialsHasTheRuntimeAndTheCLibraryToo() throws Exception {
        JsonNode bill = JSON.readTree(Files.readString(DIST.resolve("sbom.cdx.json")));
        Map<String, String> versions = new HashMap<>();
        bill.path("components")
                .forEach(
                        each ->
                                versions.put(
                                        each.path("name").asString(),
                                        each.path("version").asString()));
        assertThat(versions).containsKeys("spring-core", "tomcat-embed-core", "jna");
        assertThat(Files.readString(DIST.resolve("runtime/release")))
                .contains("JAVA_VERSION=\"" + versions.get("openjdk") + "\"");
        String library = Outside.run("getconf", "GNU_LIBC_VERSION").trim();
        assertThat(library).isEqualTo("glibc " + versions.get("glibc"));
    }

    /** As a ratio, for the machine's speed drifts: docs/performance.md has the seconds. */
    @Test
    void theCacheIsUsedAndMakesTheStartFasterAndMemoryIsLittle() throws Exception {
        Start with = start(true);
        Start without = start(false);
        for (int i = 1; i < STARTS && with.seconds > 0.7 * without.seconds; i++) {
            Start again = start(true);
            with = again.seconds < with.seconds ? again : with;
        }
        System.out.printf("with the cache %s, without %s%n", with, without);
        assertThat(with.seconds).isLessThan(0.7 * without.seconds);
        assertThat(with.mebibytes).isLessThan(MOST_MEBIBYTES);
    }
}

package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Clients that openapi-generator makes from openapi/openapi.yaml: they compile, and one does what a
 * user does.
 */
@ExtendWith(NothingLeft.class)
class ClientsIT {

    private static final Path CLIENTS = Path.of("target/clients");

    @Test
    void theJavaClientCreatesInspectsRunsAndDeletes() throws Exception {
        Path classes = CLIENTS.resolve("java/classes");
        Path classpath = CLIENTS.resolve("java/classpath");
        Files.writeString(
                classpath, "-cp " + classes + ":" + System.getProperty("java.class.path"));
        List<String> javac = new ArrayList<>();
        javac.addAll(List.of(jdk("javac"), "-nowarn", "-d", classes.toString(), "@" + classpath));
        javac.addAll(sources(CLIENTS.resolve("java/src/main/java"), ".java"));
        javac.add("src/test/clients/Drive.java");
        Outside.run(javac.toArray(String[]::new));

        TestDaemon daemon = TestDaemon.shared();
        String told =
                Outside.run(
                        jdk("java"),
                        "@" + classpath,
                        "Drive",
                        daemon.api().base(),
                        daemon.api().token());
        assertThat(told.lines())
                .contains("created driven", "inspected true running", "ran hello", "deleted 404");
        String pid = told.lines().filter(line -> line.startsWith("pid ")).findFirst().orElseThrow();
        assertThat(Path.of("/proc", pid.substring(4))).doesNotExist();
    }

    @Test
    void thePythonClientCompiles() {
        assumePresent("python3");
        Path client = CLIENTS.resolve("python/openapi_client");
        Outside.run("python3", "-m", "compileall", "-q", "-f", client.toString());
        assertThat(client.resolve("api/sandboxes_api.py")).exists();
    }

    @Test
    void theTypeScriptClientCompiles() throws Exception {
        assumePresent("npx");
        List<String> tsc =
                new ArrayList<>(
                        List.of(
                                "npx",
                                "--yes",
                                "--package",
                                "typescript@5.9.3",
                                "tsc",
                                "--noEmit",
                                "--strict",
                                "--target",
                                "es2022",
                                "--lib",
                                "es2022,dom"));
        tsc.addAll(sources(CLIENTS.resolve("typescript"), ".ts"));
        Outside.run(tsc.toArray(String[]::new));
    }

    private static String jdk(String program) {
        return Path.of(System.getProperty("java.home"), "bin", program).toString();
    }

    private static List<String> sources(Path directory, String suffix) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            List<String> found =
                    files.map(Path::toString).filter(each -> each.endsWith(suffix)).toList();
            assertThat(found).hasSizeGreaterThan(10);
            return found;
        }
    }

    private static void assumePresent(String program) {
        assumeThat(Stream.of(System.getenv("PATH").split(":")))
                .as(program + " is on the PATH; .ci/run installs it")
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }
}

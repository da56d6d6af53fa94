package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The packaged daemon under what it sees of a service manager: a socket as its standard input, and
 * one to be told how it fares (sd_notify(3)).
 */
@ExtendWith(NothingLeft.class)
class ServiceManagerIT {

    @Test
    void itTellsHowItFaresAndWhoConnectsMeanwhileWaits() throws Exception {
        TestDaemon.Places places = TestDaemon.newPlaces();
        Files.createDirectories(places.run());
        Outside.run("chmod", "700", places.run().toString());
        Path log = Path.of("target", places.cgroup() + ".log");
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "python3",
                                "src/test/python/manager.py",
                                places.run().resolve("seahaven.sock").toString(),
                                "6",
                                "target/dist/bin/seahaven"));
        command.addAll(places.arguments(0));
        try {
            Process manager =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile())
                            .start();
            assertThat(manager.waitFor()).isZero();
            String said = Files.readString(log);
            List<String> told =
                    said.lines()
                            .filter(line -> line.startsWith("told ") || line.startsWith("ended "))
                            .toList();
            assertThat(told.getFirst()).isEqualTo("told READY=1");
            assertThat(told.indexOf("told WATCHDOG=1"))
                    .as(said)
                    .isPositive()
                    .isLessThan(told.indexOf("told STOPPING=1"));
            assertThat(told.indexOf("told STOPPING=1")).isLessThan(told.indexOf("ended 143"));
            assertThat(told.stream().filter("told READY=1"::equals)).hasSize(2);
            assertThat(told.stream().filter("told WATCHDOG=1"::equals)).hasSizeGreaterThan(8);
            Matcher requests = Pattern.compile("answered (\\d+) failed (\\d+)(.*)").matcher(said);
            assertThat(requests.find()).as(said).isTrue();
            assertThat(Integer.parseInt(requests.group(1))).isGreaterThan(50);
            assertThat(requests.group(2)).as(requests.group(3)).isEqualTo("0");
        } finally {
            Outside.delete(places.base());
        }
    }

    @Test
    void aSignOfLifeIsGivenToWhoWaitsForThisProcess() {
        assertThat(ServiceManager.watchdogInterval(null, null, 5)).isZero();
        assertThat(ServiceManager.watchdogInterval("30000000", null, 5)).hasSeconds(30);
        assertThat(ServiceManager.watchdogInterval("30000000", "5", 5)).hasSeconds(30);
        assertThat(ServiceManager.watchdogInterval("30000000", "6", 5)).isZero();
    }
}

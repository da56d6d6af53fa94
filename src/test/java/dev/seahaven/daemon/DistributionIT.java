package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.ExternalDaemon;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The distribution of target/dist: its own runtime, and a cache that is really used. */
@ExtendWith(NothingLeft.class)
class DistributionIT {

    private static final Pattern STARTED = Pattern.compile("process running for ([0-9.]+)");
    private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");
    private static final int STARTS = 6;

    private static double last(Pattern pattern, String text) {
        double found = -1;
        for (Matcher matcher = pattern.matcher(text); matcher.find(); ) {
            found = Double.parseDouble(matcher.group(1));
        }
        return found;
    }

    /** The best of some: other load on the machine makes a start slower, and nothing faster. */
    @Test
    void itStartsWithTheCacheInLessThanTwoSecondsAndLittleMemory() throws Exception {
        double best = Double.MAX_VALUE;
        double resident = Double.MAX_VALUE;
        for (int i = 0; i < STARTS && (i == 0 || best >= 2 || resident >= 200); i++) {
            TestDaemon.Places places = TestDaemon.newPlaces();
            try (ExternalDaemon daemon = ExternalDaemon.startPackaged(places)) {
                assertThat(Outside.read("/proc/" + daemon.pid() + "/maps"))
                        .contains("/target/dist/seahaven.aot")
                        .contains("/target/dist/runtime/lib/modules");
                assertThat(daemon.log()).contains("Starting AOT-processed Seahaven");
                daemon.api().shell("true");
                best = Math.min(best, last(STARTED, daemon.log()));
                Thread.sleep(7_000); // the trimming of what starting took
                resident =
                        Math.min(
                                resident,
                                last(RESIDENT, Outside.read("/proc/" + daemon.pid() + "/status"))
                                        / 1024);
            }
        }
        System.out.printf("start: %.2f s, resident: %.0f MiB%n", best, resident);
        assertThat(best).as("seconds to start").isLessThan(2);
        assertThat(resident).as("MiB resident").isLessThan(200);
    }
}

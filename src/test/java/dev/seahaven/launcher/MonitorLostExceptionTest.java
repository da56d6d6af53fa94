package dev.seahaven.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;

class MonitorLostExceptionTest {

    private final Deque<Boolean> kills = new ArrayDeque<>();

    /** Fails as often as somebody kills. */
    private Supplier<String> launch(Boolean... untouched) {
        kills.addAll(List.of(untouched));
        return () -> {
            Boolean killed = kills.poll();
            if (killed != null) {
                throw new MonitorLostException(killed);
            }
            return "launched";
        };
    }

    /** They die with the spawner, while the launch goes from one to the next. */
    @Test
    void allIdleMonitorsMayBeLost() {
        Supplier<String> launch = launch(true, true, true);
        assertThat(MonitorLostException.tryAgainUntouched(launch)).isEqualTo("launched");
    }

    @Test
    void aLaunchIsMadeAgainWhereAllIsUndone() {
        assertThat(MonitorLostException.tryAgain(launch(true, false, true, false)))
                .isEqualTo("launched");
        Supplier<String> often = launch(false, false, false);
        assertThatThrownBy(() -> MonitorLostException.tryAgain(often))
                .isInstanceOf(MonitorLostException.class);
    }

    @Test
    void whatMayHaveRunIsNotRunAgain() {
        Supplier<String> launch = launch(true, false);
        assertThatThrownBy(() -> MonitorLostException.tryAgainUntouched(launch))
                .isInstanceOf(MonitorLostException.class);
        assertThat(kills).isEmpty();
    }
}

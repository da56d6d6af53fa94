package dev.seahaven.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.seahaven.syscall.Errno;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

class ReportCodecTest {

    private static ByteBuffer bytes(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
    }

    private static ByteBuffer launched(ByteBuffer to) {
        return to.putInt(1)
                .putInt(10)
                .putInt(11)
                .putLong(100)
                .putLong(101)
                .putLong(1_700_000_000_000_000_005L)
                .putLong(1)
                .putLong(2)
                .putLong(3)
                .putLong(4);
    }

    private static Report decode(ByteBuffer bytes) {
        byte[] all = new byte[bytes.capacity()];
        bytes.rewind().get(all);
        return ReportCodec.decode(all);
    }

    @Test
    void readsALaunch() {
        assertThat(ReportCodec.decode(launched(bytes(68)).array()))
                .isEqualTo(
                        new Report.Launched(
                                10,
                                100,
                                11,
                                101,
                                Instant.ofEpochSecond(1_700_000_000, 5),
                                List.of(
                                        Duration.ofNanos(1),
                                        Duration.ofNanos(2),
                                        Duration.ofNanos(3),
                                        Duration.ofNanos(4))));
    }

    @Test
    void readsAFailureWithItsCallAndErrno() {
        ByteBuffer bytes = bytes(256).putInt(2).putInt(Stage.PIVOT.ordinal()).putInt(16).putInt(-1);
        bytes.put("pivot_root(., .)".getBytes(StandardCharsets.UTF_8));
        Report.Failed failed = (Report.Failed) decode(bytes);
        assertThat(failed)
                .isEqualTo(
                        new Report.Failed(
                                Stage.PIVOT,
                                Report.Failed.NO_ITEM,
                                "pivot_root(., .)",
                                Errno.EBUSY));
        assertThat(LauncherException.of(failed))
                .hasMessage("stage pivot: pivot_root(., .): EBUSY (device or resource busy)");
    }

    @Test
    void readsAnEndWithItsOutput() {
        ByteBuffer bytes = bytes(56 + 68 + 5).putInt(4).putInt(1).putInt(9).putInt(2);
        bytes.putLong(5).putLong(6).putLong(7).putLong(8).putInt(2).putInt(3);
        launched(bytes).put("outerr".getBytes(StandardCharsets.UTF_8), 0, 5);
        Report.Exited exited = (Report.Exited) decode(bytes);
        assertThat(exited.reason()).isEqualTo(Report.Reason.TIMED_OUT);
        assertThat(Report.signal(exited.status())).isEqualTo(9);
        assertThat(Report.exitCode(exited.status())).isEqualTo(137);
        assertThat(exited.stdoutTruncated()).isFalse();
        assertThat(exited.stderrTruncated()).isTrue();
        assertThat(exited.cpu()).isEqualTo(Duration.ofNanos(7000));
        assertThat(new String(exited.stdout(), StandardCharsets.UTF_8)).isEqualTo("ou");
        assertThat(new String(exited.stderr(), StandardCharsets.UTF_8)).isEqualTo("ter");
    }

    @Test
    void whatIsCutIsRefused() {
        byte[] whole = launched(bytes(68)).array();
        for (int size = 0; size < whole.length; size++) {
            byte[] cut = Arrays.copyOf(whole, size);
            assertThatThrownBy(() -> ReportCodec.decode(cut))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> ReportCodec.decode(new byte[] {9, 0, 0, 0}))
                .isInstanceOf(IllegalArgumentException.class);
    }
}

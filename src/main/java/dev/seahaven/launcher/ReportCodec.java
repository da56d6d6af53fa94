package dev.seahaven.launcher;

import dev.seahaven.launcher.Report.Exited;
import dev.seahaven.launcher.Report.Failed;
import dev.seahaven.launcher.Report.Launched;
import dev.seahaven.launcher.Report.Output;
import dev.seahaven.launcher.Report.Phase;
import dev.seahaven.launcher.Report.Reason;
import dev.seahaven.syscall.Errno;
import dev.seahaven.text.KernelText;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Reports from bytes, as {@code wire.h} has them: from a monitor's socket, its run record and its
 * exit record.
 */
public final class ReportCodec {

    /** The largest report: a run's last with a full buffer of each stream. */
    static final int REPORT_MAX = 2 * 32 * 1024 + 512;

    private static final int LAUNCHED = 1;
    private static final int FAILED = 2;
    private static final int OUTPUT = 3;
    private static final int EXITED = 4;

    private ReportCodec() {}

    /**
     * @throws IllegalArgumentException when the bytes are no report
     */
    public static Report decode(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        try {
            int type = in.getInt(0);
            return switch (type) {
                case LAUNCHED -> launched(in);
                case FAILED -> failed(in);
                case OUTPUT -> output(in);
                case EXITED -> exited(in);
                default -> throw new IllegalArgumentException("no report of type " + type);
            };
        } catch (BufferUnderflowException
                | IndexOutOfBoundsException
                | NegativeArraySizeException e) {
            throw new IllegalArgumentException("a report of " + bytes.length + " bytes is cut", e);
        }
    }

    private static Launched launched(ByteBuffer in) {
        in.getInt();
        int monitorPid = in.getInt();
        int pid = in.getInt();
        long monitorStart = in.getLong();
        long start = in.getLong();
        Instant startedAt = instant(in.getLong());
        List<Duration> phases = new ArrayList<>();
        for (int i = 0; i < Phase.values().length; i++) {
            phases.add(Duration.ofNanos(in.getLong()));
        }
        return new Launched(monitorPid, monitorStart, pid, start, startedAt, List.copyOf(phases));
    }

    private static Failed failed(ByteBuffer in) {
        in.getInt();
        int stage = in.getInt();
        int error = in.getInt();
        int item = in.getInt();
        byte[] text = new byte[in.remaining()];
        in.get(text);
        int end = 0;
        while (end < text.length && text[end] != 0) {
            end++;
        }
        return new Failed(
                Stage.values()[stage], item, KernelText.decode(text, 0, end), Errno.of(error));
    }

    private static Output output(ByteBuffer in) {
        in.getInt();
        int stream = in.getInt();
        return new Output(stream, bytes(in, in.remaining()));
    }

    private static Exited exited(ByteBuffer in) {
        in.getInt();
        Reason reason = Reason.values()[in.getInt()];
        int status = in.getInt();
        int truncated = in.getInt();
        Instant finishedAt = instant(in.getLong());
        Duration run = Duration.ofNanos(in.getLong());
        Duration cpu = Duration.ofNanos(1000 * in.getLong());
        long peakMemoryBytes = in.getLong();
        int stdoutBytes = in.getInt();
        int stderrBytes = in.getInt();
        Launched launched = launched(in);
        return new Exited(
                reason,
                status,
                (truncated & 1) != 0,
                (truncated & 2) != 0,
                finishedAt,
                run,
                cpu,
                peakMemoryBytes,
                bytes(in, stdoutBytes),
                bytes(in, stderrBytes),
                launched);
    }

    private static byte[] bytes(ByteBuffer in, int size) {
        byte[] bytes = new byte[size];
        in.get(bytes);
        return bytes;
    }

    private static Instant instant(long nanos) {
        return Instant.ofEpochSecond(nanos / 1_000_000_000, nanos % 1_000_000_000);
    }
}

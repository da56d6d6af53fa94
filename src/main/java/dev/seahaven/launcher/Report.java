package dev.seahaven.launcher;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Signal;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** What a monitor tells, as {@code wire.h} has it. */
public sealed interface Report {

    /**
     * How the launch spent its time, after the plan had arrived. {@code enum phase} has the same
     * order.
     */
    enum Phase {
        CLONE,
        MAPS,
        ROOT,
        SETUP
    }

    /**
     * The command was executed.
     *
     * @param monitorPid in the daemon's pid namespace
     * @param monitorStartTicks field 22 of {@code /proc/PID/stat}, 0 for a run
     * @param pid of init, or of the command where there is none, likewise
     * @param phases by {@link Phase}
     */
    record Launched(
            int monitorPid,
            long monitorStartTicks,
            int pid,
            long startTicks,
            Instant startedAt,
            List<Duration> phases)
            implements Report {}

    /**
     * The command was not executed, and nothing is left but what the daemon had claimed.
     *
     * @param item the number of the plan's item that failed at this stage, in the order of the
     *     plan; {@link #NO_ITEM} where none did
     * @param call with its arguments, for people to read
     */
    record Failed(Stage stage, int item, String call, Errno errno) implements Report {
        /** No item of the plan is the cause. */
        public static final int NO_ITEM = -1;
    }

    /** Output of a run; {@code stream} is 1 or 2. */
    record Output(int stream, byte[] bytes) implements Report {}

    /** Why it ended. {@code enum end_reason} has the same order. */
    enum Reason {
        BY_ITSELF,
        TIMED_OUT,
        OUTPUT_LIMIT,
        CANCELLED
    }

    /**
     * The end.
     *
     * @param status as of wait(2)
     * @param cpu user and system time of init, the command and what they waited for
     */
    record Exited(
            Reason reason,
            int status,
            boolean stdoutTruncated,
            boolean stderrTruncated,
            Instant finishedAt,
            Duration run,
            Duration cpu,
            long peakMemoryBytes,
            byte[] stdout,
            byte[] stderr,
            Launched launched)
            implements Report {}

    /**
     * The monitor is gone and will say no more.
     *
     * @param untouched whether it, or a spawner for it, ended before it had taken the plan
     */
    record Gone(boolean untouched) implements Report {}

    /**
     * A status of wait(2): as a shell has it, 128 and the number of the signal for one that was
     * killed.
     */
    static int exitCode(int status) {
        return signal(status) == 0 ? status >> 8 & 0xff : 128 + signal(status);
    }

    /** The number of the signal that ended a process with this status of wait(2), or 0. */
    static int signal(int status) {
        return status & 0x7f;
    }

    /** The name of that signal, without {@code SIG}. */
    static String signalName(int status) {
        return new Signal(signal(status)).name();
    }
}

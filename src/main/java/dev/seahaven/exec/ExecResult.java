package dev.seahaven.exec;

import org.jspecify.annotations.Nullable;

/**
 * How a program ended; of one that is detached only the pid is known.
 *
 * @param exitCode 128 and the number of the signal that ended it; null of a detached one
 * @param pid on the host, of a detached one
 */
public record ExecResult(
        @Nullable Integer exitCode,
        @Nullable String signal,
        byte[] stdout,
        byte[] stderr,
        boolean truncated,
        boolean timedOut,
        double durationMillis,
        @Nullable Integer pid) {

    private static final byte[] NOTHING = {};

    static ExecResult detached(int pid, double durationMillis) {
        return new ExecResult(null, null, NOTHING, NOTHING, false, false, durationMillis, pid);
    }

    static ExecResult notExecuted(int exitCode, byte[] why) {
        return new ExecResult(exitCode, null, NOTHING, why, false, false, 0, null);
    }
}

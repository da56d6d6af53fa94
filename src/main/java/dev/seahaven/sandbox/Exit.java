package dev.seahaven.sandbox;

import com.fasterxml.jackson.annotation.JsonProperty;

import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.launcher.Report;
import dev.seahaven.syscall.Signal;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;

/**
 * How a sandbox ended.
 *
 * @param exitCode of the command; 128 and the number of the signal when one ended it; null when
 *     nobody knows
 * @param signal its name without {@code SIG}
 * @param evidence the kernel's own counters of what was refused
 */
record Exit(
        @Nullable Integer exitCode,
        @Nullable String signal,
        Reason reason,
        Instant finishedAt,
        Evidence evidence) {

    enum Reason {
        @JsonProperty("exited")
        EXITED,
        @JsonProperty("signaled")
        SIGNALED,
        @JsonProperty("timed-out")
        TIMED_OUT,
        @JsonProperty("out-of-memory")
        OUT_OF_MEMORY,
        @JsonProperty("output-limit")
        OUTPUT_LIMIT,
        @JsonProperty("disk-limit")
        DISK_LIMIT,
        @JsonProperty("stopped")
        STOPPED,
        @JsonProperty("monitor-lost")
        MONITOR_LOST
    }

    /** Those for which the daemon ends a sandbox, the stronger first. */
    static final List<Reason> ASKED = List.of(Reason.DISK_LIMIT, Reason.STOPPED);

    /**
     * @param asked why the daemon has ended it; null where it did not
     */
    static Exit of(Report.Exited report, @Nullable Reason asked, Evidence evidence) {
        Reason reason =
                switch (report.reason()) {
                    case TIMED_OUT -> Reason.TIMED_OUT;
                    case OUTPUT_LIMIT -> Reason.OUTPUT_LIMIT;
                    case BY_ITSELF, CANCELLED ->
                            asked != null ? asked : ofStatus(report.status(), evidence);
                };
        return ofStatus(report.status(), reason, report.finishedAt(), evidence);
    }

    static Exit ofStatus(int status, Reason reason, Instant at, Evidence evidence) {
        boolean signaled = Report.signal(status) != 0;
        return new Exit(
                Report.exitCode(status),
                signaled ? Report.signalName(status) : null,
                reason,
                at,
                evidence);
    }

    /** A KILL is the kernel's for want of memory where it says that it has killed so. */
    static Reason ofStatus(int status, Evidence evidence) {
        int signal = Report.signal(status);
        if (signal == Signal.KILL.number() && evidence.oomKills() > 0) {
            return Reason.OUT_OF_MEMORY;
        }
        return signal != 0 ? Reason.SIGNALED : Reason.EXITED;
    }

    /** The command could not be executed: as a shell says it, 127 not found, 126 not executable. */
    static Exit notExecuted(boolean found) {
        return new Exit(found ? 126 : 127, null, Reason.EXITED, Instant.now(), Evidence.NONE);
    }

    static Exit monitorLost() {
        return new Exit(null, null, Reason.MONITOR_LOST, Instant.now(), Evidence.NONE);
    }
}

package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.launcher.Report;
import dev.seahaven.sandbox.guard.Guarded;
import dev.seahaven.syscall.Signal;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.Locale;

/**
 * How a sandbox ended.
 *
 * @param exitCode of the command; 128 and the number of the signal when one ended it; null when
 *     nobody knows
 * @param signal its name without {@code SIG}
 * @param evidence the kernel's own counters of what was refused
 */
public record Exit(
        @Nullable Integer exitCode,
        @Nullable String signal,
        Reason reason,
        Instant finishedAt,
        Evidence evidence) {

    public enum Reason {
        EXITED,
        SIGNALED,
        TIMED_OUT,
        OUT_OF_MEMORY,
        OUTPUT_LIMIT,
        DISK_LIMIT,
        KERNEL_MEMORY_LIMIT,
        STOPPED,
        MONITOR_LOST;

        /** Why one is ended that takes too much. */
        public static Reason of(Guarded.Excess excess) {
            return switch (excess) {
                case DISK -> DISK_LIMIT;
                case KERNEL_MEMORY -> KERNEL_MEMORY_LIMIT;
            };
        }

        /** Its name in answers, such as {@code timed-out}. */
        public String text() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        /**
         * The reason of this name.
         *
         * @throws IllegalArgumentException when there is none
         */
        public static Reason of(String text) {
            return valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
        }
    }

    /** Those for which the daemon ends a sandbox, the stronger first. */
    static final List<Reason> ASKED =
            List.of(Reason.DISK_LIMIT, Reason.KERNEL_MEMORY_LIMIT, Reason.STOPPED, Reason.SIGNALED);

    /**
     * @param asked why the daemon has ended it; null where it did not
     */
    public static Exit of(Report.Exited report, @Nullable Reason asked, Evidence evidence) {
        Reason reason =
                switch (report.reason()) {
                    case TIMED_OUT -> Reason.TIMED_OUT;
                    case OUTPUT_LIMIT -> Reason.OUTPUT_LIMIT;
                    case BY_ITSELF, CANCELLED -> ofAsked(report.status(), asked, evidence);
                };
        return ofStatus(report.status(), reason, report.finishedAt(), evidence);
    }

    /** Whom somebody has killed, the kernel has not killed for want of memory. */
    static Reason ofAsked(int status, @Nullable Reason asked, Evidence evidence) {
        if (asked == null) {
            return ofStatus(status, evidence);
        }
        return asked == Reason.SIGNALED ? ofStatus(status, Evidence.NONE) : asked;
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

    /**
     * The command could not be executed.
     *
     * @param exitCode as a shell has it, 127 or 126
     */
    public static Exit notExecuted(int exitCode) {
        return new Exit(exitCode, null, Reason.EXITED, Instant.now(), Evidence.NONE);
    }

    /** Killed by the daemon before the command was executed. */
    public static Exit stopped() {
        return ofStatus(Signal.KILL.number(), Reason.STOPPED, Instant.now(), Evidence.NONE);
    }

    /** Nobody knows how it ended, for its monitor was killed. */
    public static Exit monitorLost() {
        return new Exit(null, null, Reason.MONITOR_LOST, Instant.now(), Evidence.NONE);
    }
}

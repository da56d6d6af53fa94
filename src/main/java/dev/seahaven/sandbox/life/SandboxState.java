package dev.seahaven.sandbox.life;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.Locale;

/**
 * What a sandbox is doing.
 *
 * @param pid of its init, or its command where it has none, on the host; null when it does not run
 * @param restarts how often it was started again
 * @param exit how its last life ended
 */
public record SandboxState(
        Status status,
        @Nullable Integer pid,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt,
        int restarts,
        @Nullable Exit exit) {

    public enum Status {
        CREATED,
        RUNNING,
        PAUSED,
        STOPPED,
        FAILED;

        boolean canStart() {
            return switch (this) {
                case CREATED, STOPPED, FAILED -> true;
                case RUNNING, PAUSED -> false;
            };
        }

        public boolean isAlive() {
            return this == RUNNING || this == PAUSED;
        }

        /** Its name in answers, such as {@code running}. */
        public String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static final SandboxState CREATED = created(0);

    /** Made, and not started in this life of the daemon. */
    static SandboxState created(int restarts) {
        return new SandboxState(Status.CREATED, null, null, null, restarts, null);
    }

    SandboxState running(int newPid, Instant at) {
        return new SandboxState(Status.RUNNING, newPid, at, null, restarts, null);
    }

    /** The same where it does not run. */
    SandboxState paused() {
        return change(Status.RUNNING, Status.PAUSED);
    }

    /** The same where it is not paused. */
    SandboxState resumed() {
        return change(Status.PAUSED, Status.RUNNING);
    }

    private SandboxState change(Status from, Status to) {
        return status == from
                ? new SandboxState(to, pid, startedAt, finishedAt, restarts, exit)
                : this;
    }

    SandboxState ended(Exit how) {
        return new SandboxState(Status.STOPPED, null, startedAt, how.finishedAt(), restarts, how);
    }

    SandboxState failed(Exit how) {
        return new SandboxState(Status.FAILED, null, null, how.finishedAt(), restarts, how);
    }

    /**
     * Ended, as a daemon finds it that comes later.
     *
     * @param began null where nobody knows
     */
    SandboxState over(@Nullable Instant began, Exit how) {
        return new SandboxState(Status.STOPPED, null, began, how.finishedAt(), restarts, how);
    }

    SandboxState restarted() {
        return new SandboxState(status, pid, startedAt, finishedAt, restarts + 1, exit);
    }
}

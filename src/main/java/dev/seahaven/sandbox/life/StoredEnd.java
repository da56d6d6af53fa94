package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.launcher.Report;
import dev.seahaven.store.DocumentKind;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * How the last life of a sandbox ended, as it lies on disk beside the sandbox. It is written when
 * the life is over and stands until the next has ended, whatever becomes of starts meanwhile.
 *
 * @param executed whether its command was; else there was no life
 * @param startedAt when that life began; null where nobody knows
 */
record StoredEnd(
        boolean executed,
        @Nullable Instant startedAt,
        @Nullable Integer exitCode,
        @Nullable String signal,
        String reason,
        Instant finishedAt,
        long oomKills,
        long pidsRefused) {

    static final DocumentKind<StoredEnd> KIND =
            new DocumentKind<>("end", StoredEnd.class, List.of());

    static StoredEnd notExecuted(Exit exit) {
        return of(false, null, exit);
    }

    static StoredEnd of(@Nullable Instant startedAt, Exit exit) {
        return of(true, startedAt, exit);
    }

    /** That of a sandbox that has ended. */
    static StoredEnd of(SandboxState ended) {
        return of(
                ended.status() != SandboxState.Status.FAILED,
                ended.startedAt(),
                Objects.requireNonNull(ended.exit()));
    }

    private static StoredEnd of(boolean executed, @Nullable Instant startedAt, Exit exit) {
        return new StoredEnd(
                executed,
                startedAt,
                exit.exitCode(),
                exit.signal(),
                exit.reason().text(),
                exit.finishedAt(),
                exit.evidence().oomKills(),
                exit.evidence().pidsRefused());
    }

    SandboxState applied(SandboxState before) {
        Exit exit =
                new Exit(
                        exitCode,
                        signal,
                        Exit.Reason.of(reason),
                        finishedAt,
                        new Evidence(oomKills, pidsRefused));
        return executed ? before.over(startedAt, exit) : before.failed(exit);
    }

    /** Whether it tells of the end of this life. */
    boolean isOf(Report.Launched launched) {
        return launched.startedAt().equals(startedAt);
    }
}

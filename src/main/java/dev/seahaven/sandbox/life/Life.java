package dev.seahaven.sandbox.life;

import dev.seahaven.launcher.Report;
import dev.seahaven.syscall.PidFd;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.concurrent.CompletableFuture;

/**
 * One life of a sandbox: from executed to ended. The descriptors are closed at its end.
 *
 * @param init null when it had ended before it could be held
 * @param monitor only of a life that another daemon began; else its socket tells of its end
 */
record Life(
        @Nullable PidFd init,
        @Nullable PidFd monitor,
        Report.Launched launched,
        CompletableFuture<Exit> ended) {

    Instant startedAt() {
        return launched.startedAt();
    }

    void close() {
        if (init != null) {
            init.close();
        }
        if (monitor != null) {
            monitor.close();
        }
    }
}

package dev.seahaven.sandbox;

import dev.seahaven.syscall.PidFd;
import dev.seahaven.web.Problem;
import dev.seahaven.web.ProblemType;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32C;

/**
 * A sandbox. Reads take what the volatile fields hold and never wait; a change holds the lock from
 * its beginning to its end.
 */
final class Sandbox {

    /**
     * One life: from executed to ended. The descriptors are closed at its end.
     *
     * @param init null when it had ended before it could be held
     * @param monitor only of a life that another daemon began; else its socket tells of its end
     */
    record Life(
            @Nullable PidFd init,
            @Nullable PidFd monitor,
            Instant startedAt,
            CompletableFuture<Exit> ended) {

        void close() {
            if (init != null) {
                init.close();
            }
            if (monitor != null) {
                monitor.close();
            }
        }
    }

    record Timings(double claimMillis, double launchMillis, double totalMillis) {}

    private final SandboxId id;
    private final Instant createdAt;
    private volatile SandboxSpec spec;
    private final ReentrantLock change = new ReentrantLock(true);
    private volatile SandboxState state = SandboxState.CREATED;
    private volatile @Nullable Life life;
    private volatile @Nullable Timings timings;

    /** Of the user namespace while it runs, shared or its own. */
    private volatile @Nullable Mappings mappings;

    /** Why the daemon ends it. */
    private volatile Exit.@Nullable Reason ending;

    Sandbox(SandboxId id, Instant createdAt, SandboxSpec spec) {
        this.id = id;
        this.createdAt = createdAt;
        this.spec = spec;
    }

    SandboxId id() {
        return id;
    }

    Instant createdAt() {
        return createdAt;
    }

    SandboxSpec spec() {
        return spec;
    }

    void spec(SandboxSpec changed) {
        spec = changed;
    }

    SandboxState state() {
        return state;
    }

    synchronized void state(SandboxState to) {
        state = to;
    }

    /** Its end comes at any time and must not be forgotten. */
    synchronized void change(UnaryOperator<SandboxState> how) {
        state = how.apply(state);
    }

    @Nullable Life life() {
        return life;
    }

    @Nullable Timings timings() {
        return timings;
    }

    void timings(Timings measured) {
        timings = measured;
    }

    @Nullable Mappings mappings() {
        return mappings;
    }

    /** It runs from now on. */
    synchronized void begin(Life began, int pid, Mappings used) {
        mappings = used;
        ending = null;
        life = began;
        state = state.running(pid, began.startedAt());
    }

    /** It has ended; who waits for that is told after the state. */
    void end(Life ended, Exit exit) {
        synchronized (this) {
            life = null;
            mappings = null;
            state = state.ended(exit);
        }
        ended.ended().complete(exit);
    }

    Exit.@Nullable Reason ending() {
        return ending;
    }

    void ending(Exit.Reason reason) {
        ending = reason;
    }

    /** The place in lists: by creation, then id. */
    String key() {
        return "%020d%09d%s".formatted(createdAt.getEpochSecond(), createdAt.getNano(), id);
    }

    /** An entity tag that changes with everything that an answer tells. */
    String version() {
        String all = id + spec.toString() + state;
        CRC32C sum = new CRC32C();
        sum.update(all.getBytes(StandardCharsets.UTF_8));
        return "%s-%08x".formatted(id, sum.getValue());
    }

    /**
     * Makes a change when no other is under way.
     *
     * @throws Problem 503 when another takes too long
     */
    <T> T change(Duration wait, Supplier<T> work) {
        try {
            if (!change.tryLock(wait.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new Problem(
                        ProblemType.BUSY,
                        "Another change of the sandbox " + id + " is under way; try again.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        }
        try {
            return work.get();
        } finally {
            change.unlock();
        }
    }
}

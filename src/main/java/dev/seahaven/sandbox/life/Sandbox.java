package dev.seahaven.sandbox.life;

import dev.seahaven.ids.Mappings;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxSpec;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32C;

/**
 * A sandbox. Reads take what the volatile fields hold and never wait; a change holds the lock from
 * its beginning to its end.
 */
public final class Sandbox {

    public record Timings(double claimMillis, double launchMillis, double totalMillis) {}

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

    /** Whether how its last life ended is on disk; not while it runs. */
    private volatile boolean endStored = true;

    private volatile boolean removed;

    /** Finds out how one is that a daemon before this one has made; null when that is known. */
    private volatile @Nullable Consumer<Sandbox> recovery;

    Sandbox(SandboxId id, Instant createdAt, SandboxSpec spec) {
        this(id, createdAt, spec, null);
    }

    Sandbox(
            SandboxId id,
            Instant createdAt,
            SandboxSpec spec,
            @Nullable Consumer<Sandbox> recovery) {
        this.id = id;
        this.createdAt = createdAt;
        this.spec = spec;
        this.recovery = recovery;
    }

    boolean isSettled() {
        return recovery == null;
    }

    /** Whoever asks for it first finds out how it is, and all others wait for that. */
    void settle() {
        if (recovery != null) {
            synchronized (this) {
                Consumer<Sandbox> left = recovery;
                if (left != null) {
                    left.accept(this);
                    recovery = null;
                }
            }
        }
    }

    public SandboxId id() {
        return id;
    }

    public Instant createdAt() {
        return createdAt;
    }

    public SandboxSpec spec() {
        return spec;
    }

    public void spec(SandboxSpec changed) {
        spec = changed;
    }

    public SandboxState state() {
        return state;
    }

    public synchronized void state(SandboxState to) {
        state = to;
    }

    /** Its end comes at any time and must not be forgotten. */
    public synchronized void change(UnaryOperator<SandboxState> how) {
        state = how.apply(state);
    }

    public @Nullable Life life() {
        return life;
    }

    public @Nullable Timings timings() {
        return timings;
    }

    public void timings(Timings measured) {
        timings = measured;
    }

    public @Nullable Mappings mappings() {
        return mappings;
    }

    /** It runs from now on. */
    public synchronized void begin(Life began, int pid, Mappings used) {
        mappings = used;
        ending = null;
        endStored = false;
        life = began;
        state = state.running(pid, began.startedAt());
    }

    /** It has ended; who waits for that is told after the state. */
    public void end(Life ended, Exit exit) {
        synchronized (this) {
            life = null;
            mappings = null;
            state = state.ended(exit);
        }
        ended.ended().complete(exit);
    }

    public Exit.@Nullable Reason ending() {
        return ending;
    }

    public void ending(Exit.Reason reason) {
        ending = reason;
    }

    boolean isEndStored() {
        return endStored;
    }

    void endStored(boolean stored) {
        endStored = stored;
    }

    /** It is being deleted: how it ends need not be kept. */
    boolean isRemoved() {
        return removed;
    }

    void removed() {
        removed = true;
    }

    /** The place in lists: by creation, then id. */
    public String key() {
        return "%020d%09d%s".formatted(createdAt.getEpochSecond(), createdAt.getNano(), id);
    }

    /** An entity tag that changes with everything that an answer tells. */
    public String version() {
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
    public <T> T change(Duration wait, Supplier<T> work) {
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

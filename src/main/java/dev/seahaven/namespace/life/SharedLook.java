package dev.seahaven.namespace.life;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.syscall.ProcessCalls;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/**
 * Looks at the whole host once for all who ask, on a thread of its own: reading {@code /proc} keeps
 * the carrier of a virtual thread, of which all requests have only some. The thread is nice to
 * those that launch. Who asks while a look is under way may not be given that one, which may have
 * passed what he has just made; all who do so share the next.
 */
public final class SharedLook<T> {

    private static final int NICE = 10;

    private final ProcessCalls calls;
    private final Supplier<T> look;
    private @Nullable CompletableFuture<T> next;
    private boolean running;

    /**
     * @param look reads what all who ask share
     */
    SharedLook(ProcessCalls calls, Supplier<T> look) {
        this.calls = calls;
        this.look = look;
    }

    /** What is there now, or a little later. */
    public T get() {
        CompletableFuture<T> mine;
        synchronized (this) {
            if (next == null) {
                next = new CompletableFuture<>();
            }
            mine = next;
            if (!running) {
                running = true;
                Thread.ofPlatform().name("seahaven-scan").daemon().start(this::run);
            }
        }
        try {
            return mine.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    private void run() {
        calls.setThreadNice(NICE);
        while (true) {
            CompletableFuture<T> due;
            synchronized (this) {
                due = next;
                next = null;
                if (due == null) {
                    running = false;
                    return;
                }
            }
            try {
                due.complete(look.get());
            } catch (RuntimeException | Error e) {
                due.completeExceptionally(e);
            }
        }
    }
}

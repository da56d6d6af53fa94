package dev.seahaven.claim;

import java.util.ArrayDeque;
import java.util.Deque;

/** What has been claimed so far, each with its undo; given back in reverse order. */
public final class Claims implements AutoCloseable {

    private final Deque<Runnable> undos = new ArrayDeque<>();

    /** Something was claimed; {@code undo} gives it back. */
    public void add(Runnable undo) {
        undos.push(undo);
    }

    /** Something that is closed was claimed. */
    public <T extends AutoCloseable> T opened(T resource) {
        add(
                () -> {
                    try {
                        resource.close();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                });
        return resource;
    }

    /** From now on it belongs to somebody else. */
    public void keep() {
        undos.clear();
    }

    /** Gives everything back after a failure, which keeps the first place. */
    public <E extends RuntimeException> E undo(E failure) {
        while (!undos.isEmpty()) {
            try {
                undos.pop().run();
            } catch (RuntimeException e) {
                failure.addSuppressed(e);
            }
        }
        return failure;
    }

    /** Gives everything back; the first failure is thrown when all is done. */
    @Override
    public void close() {
        while (!undos.isEmpty()) {
            try {
                undos.pop().run();
            } catch (RuntimeException e) {
                throw undo(e);
            }
        }
    }
}

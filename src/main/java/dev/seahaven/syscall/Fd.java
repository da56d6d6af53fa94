package dev.seahaven.syscall;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * An open file descriptor of this process. It is always close-on-exec, is closed once, and never
 * again after an error: the number may then be another thread's (close(2), "Dealing with error
 * returns").
 */
public class Fd implements AutoCloseable {

    /** Stands for the working directory where a call takes a directory (openat(2), AT_FDCWD). */
    public static final Fd AT_FDCWD = new Fd(-100, number -> {});

    private static final int CLOSED = -1;

    /** What closes a descriptor; a fake counts. */
    @FunctionalInterface
    public interface Closer {
        void close(int number);
    }

    private final AtomicInteger number;
    private final Closer closer;

    Fd(int number, Closer closer) {
        this.number = new AtomicInteger(number);
        this.closer = closer;
    }

    /** Takes over the descriptor {@code number}, which nothing else may close from now on. */
    public static Fd adopt(int number, Closer closer) {
        return new Fd(number, closer);
    }

    /**
     * The number, for a system call.
     *
     * @throws IllegalStateException when the descriptor is closed
     */
    public int number() {
        int value = number.get();
        if (value == CLOSED) {
            throw new IllegalStateException("file descriptor is closed");
        }
        return value;
    }

    @Override
    public void close() {
        int value = number.getAndSet(CLOSED);
        if (value >= 0) {
            closer.close(value);
        }
    }

    @Override
    public String toString() {
        return "fd " + number.get();
    }
}

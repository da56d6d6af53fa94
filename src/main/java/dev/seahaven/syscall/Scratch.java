package dev.seahaven.syscall;

import com.sun.jna.Memory;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Native memory for one call, used again by the next: to get and give back that of JNA takes longer
 * than most calls do.
 */
final class Scratch implements AutoCloseable {

    /** How much of it there is, in bytes. */
    static final int SIZE = 1 << 16;

    private static final Queue<Memory> FREE = new ConcurrentLinkedQueue<>();

    private final Memory memory;

    private Scratch(Memory memory) {
        this.memory = memory;
    }

    static Scratch take() {
        Memory free = FREE.poll();
        return new Scratch(free == null ? new Memory(SIZE) : free);
    }

    Memory memory() {
        return memory;
    }

    /** With nothing but zeros in the first {@code size} bytes. */
    Memory cleared(int size) {
        memory.clear(size);
        return memory;
    }

    @Override
    public void close() {
        FREE.add(memory);
    }
}

package dev.seahaven.sandbox.guard;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;

/** A sandbox or run that runs, as guards see it. */
public interface Guarded {

    /** What one is ended for. */
    enum Excess {
        /** It fills the disk that all share. */
        DISK,

        /** It makes the kernel keep more than it may: open files, messages in sockets, locks. */
        KERNEL_MEMORY
    }

    /** For the log, such as {@code sandbox k3v9x2m4qh7d}. */
    String name();

    /** By their numbers in the daemon's pid namespace. */
    List<Integer> processes();

    /** The directory on the common disk that it fills; null where it fills none. */
    @Nullable Path layers();

    /** Files that one process of it may have open, as it was asked for. */
    long openFilesOfProcess();

    /** Kills everything in it. */
    void end(Excess why);
}

package dev.seahaven.sandbox.guard;

import java.time.Duration;

/** Looks at something that all share, again and again. */
interface Guard {

    /** As in the health, such as {@code disk}. */
    String name();

    /** Ends at most those who take too much. */
    void look();

    /** Until the next look. */
    Duration pause();

    /** It looks no more. */
    default void close() {}
}

package dev.seahaven.audit;

import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * What a probe saw of a layer, or that it could not see it: an unknown layer is never taken for one
 * that holds.
 */
public sealed interface Seen<T> {

    record Value<T>(T value) implements Seen<T> {}

    /**
     * @param why the call that was refused, with its errno
     */
    record Unknown<T>(String why) implements Seen<T> {}

    /** What a probe sees; unknown when a call of it is refused. */
    static <T> Seen<T> of(Supplier<T> probe) {
        try {
            return new Value<>(probe.get());
        } catch (SyscallException e) {
            return new Unknown<>(String.valueOf(e.getMessage()));
        }
    }

    /** The value; null when it is unknown. */
    default @Nullable T orNull() {
        return switch (this) {
            case Value<T>(T value) -> value;
            case Unknown<T>(String ignored) -> null;
        };
    }

    /** Whether it is known, and this holds of it. */
    default boolean is(Predicate<? super T> test) {
        return switch (this) {
            case Value<T>(T value) -> test.test(value);
            case Unknown<T>(String ignored) -> false;
        };
    }

    /** Whether this may hold of it: it does, or nobody can tell. */
    default boolean mayBe(Predicate<? super T> test) {
        return switch (this) {
            case Value<T>(T value) -> test.test(value);
            case Unknown<T>(String ignored) -> true;
        };
    }
}

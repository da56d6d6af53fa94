package dev.seahaven.procfs;

import dev.seahaven.syscall.SyscallException;

import java.util.Optional;
import java.util.function.Function;

/**
 * What came of reading something of a process or of the kernel: its value, or why there is none.
 * That it is <em>gone</em>, that it may not be read (<em>denied</em>) and that the reading itself
 * failed (<em>broken</em>, such as EMFILE) are three answers: only the first means that there is
 * nothing.
 */
public sealed interface Reading<T> {

    /** It was read. */
    record Value<T>(T value) implements Reading<T> {}

    /** It, or its process, is not there: ENOENT, ESRCH, ENOTDIR. */
    record Gone<T>() implements Reading<T> {}

    /** The daemon may not read it: EACCES, EPERM. */
    record Denied<T>(SyscallException refusal) implements Reading<T> {}

    /** It could not be read for another reason. */
    record Broken<T>(SyscallException refusal) implements Reading<T> {}

    /** The answer that a refused call stands for. */
    static <T> Reading<T> of(SyscallException refusal) {
        return switch (refusal.errno()) {
            case ENOENT, ESRCH, ENOTDIR -> new Gone<>();
            case EACCES, EPERM -> new Denied<>(refusal);
            default -> new Broken<>(refusal);
        };
    }

    /** The same answer about another value. */
    default <R> Reading<R> map(Function<? super T, ? extends R> with) {
        return switch (this) {
            case Value<T>(T value) -> new Value<>(with.apply(value));
            case Gone<T>() -> new Gone<>();
            case Denied<T>(SyscallException refusal) -> new Denied<>(refusal);
            case Broken<T>(SyscallException refusal) -> new Broken<>(refusal);
        };
    }

    /**
     * The value; empty when it is gone.
     *
     * @throws SyscallException when it could not be read though it is there
     */
    default Optional<T> unlessGone() {
        return switch (this) {
            case Value<T>(T value) -> Optional.of(value);
            case Gone<T>() -> Optional.empty();
            case Denied<T>(SyscallException refusal) -> throw refusal;
            case Broken<T>(SyscallException refusal) -> throw refusal;
        };
    }

    /**
     * The value; empty when it is gone or the daemon may not see it, for callers that tell both as
     * "not visible".
     *
     * @throws SyscallException when the reading itself failed
     */
    default Optional<T> ifVisible() {
        return switch (this) {
            case Value<T>(T value) -> Optional.of(value);
            case Gone<T>() -> Optional.empty();
            case Denied<T>(SyscallException ignored) -> Optional.empty();
            case Broken<T>(SyscallException refusal) -> throw refusal;
        };
    }
}

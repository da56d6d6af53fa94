package dev.seahaven.daemon;

/** Another daemon holds the lock. */
final class AlreadyRunningException extends RuntimeException {

    AlreadyRunningException(String lock) {
        super("another seahaven runs: it holds " + lock);
    }
}

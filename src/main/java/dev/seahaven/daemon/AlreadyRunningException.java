package dev.seahaven.daemon;

import java.nio.file.Path;

/** Another daemon holds a lock: of a directory, or of the group. */
final class AlreadyRunningException extends RuntimeException {

    AlreadyRunningException(Path lock) {
        super("another seahaven runs: it holds " + lock);
    }
}

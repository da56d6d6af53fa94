package dev.seahaven.daemon;

import java.util.List;

/** This host lacks what the daemon cannot do without. */
final class PreflightException extends RuntimeException {

    private final List<String> missing;

    PreflightException(List<String> missing) {
        super("this host lacks " + String.join("; ", missing));
        this.missing = missing;
    }

    List<String> missing() {
        return missing;
    }
}

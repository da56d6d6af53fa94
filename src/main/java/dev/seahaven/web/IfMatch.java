package dev.seahaven.web;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * The header {@code If-Match} of a request (RFC 9110, 13.1.1): a controller that changes something
 * takes it as a parameter, and checks the version before anything is done.
 */
public final class IfMatch {

    private static final IfMatch NONE = new IfMatch(null);

    private final @Nullable String header;

    private IfMatch(@Nullable String header) {
        this.header = header;
    }

    static IfMatch of(@Nullable String header) {
        return header == null || header.trim().equals("*") ? NONE : new IfMatch(header);
    }

    /** Whether the caller names a version. */
    public boolean isGiven() {
        return header != null;
    }

    /**
     * @param what is checked, such as {@code sandbox k3v9x2m4qh7d}
     * @param version its entity tag, without quotes
     * @throws Problem 412 when the caller has seen another version
     */
    public void check(String what, String version) {
        String tag = "\"" + version + "\"";
        if (header == null
                || Arrays.stream(header.split(",")).map(String::trim).anyMatch(tag::equals)) {
            return;
        }
        throw new Problem(
                ProblemType.PRECONDITION_FAILED, "The " + what + " has changed; read it again.");
    }
}

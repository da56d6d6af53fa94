package dev.seahaven.web;

import java.util.Map;
import java.util.Optional;

/** Where the answers to requests with an {@code Idempotency-Key} are kept for a day. */
public interface KeptAnswers {

    /**
     * An answer as it was sent.
     *
     * @param headers those that belong to the answer, such as {@code Location}
     */
    record Answer(int status, Map<String, String> headers, byte[] body) {}

    /**
     * A request that was made with a key.
     *
     * @param fingerprint of the request; empty where it cannot be told
     * @param answer empty where none was kept: the daemon was stopped while it carried the request
     *     out, or the answer was too large
     */
    record Kept(String fingerprint, Optional<Answer> answer) {}

    /** The request that was made with a key; empty when there was none within the last day. */
    Optional<Kept> find(String key);

    /** Notes a request, before anything is done for it. */
    void begin(String key, String fingerprint);

    /** Keeps the answer of a request that was noted, unless it is too large. */
    void finish(String key, String fingerprint, Answer answer);

    /** Forgets a request that came to nothing and may be sent again. */
    void forget(String key);
}

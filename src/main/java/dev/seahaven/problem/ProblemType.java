package dev.seahaven.problem;

/**
 * Every kind of problem that the daemon answers (RFC 9457). Each is a promise to clients, explained
 * in docs/problems.md; {@code web} gives each its status.
 */
public enum ProblemType {
    INVALID_REQUEST("invalid-request", "The request is invalid"),
    MALFORMED_BODY("malformed-body", "The body is not valid JSON"),
    UNAUTHORIZED("unauthorized", "No token or a wrong one"),
    FORBIDDEN("forbidden", "Not allowed"),
    FOREIGN_ORIGIN("foreign-origin", "The request comes from a foreign page"),
    NOT_FOUND("not-found", "There is no such thing"),
    METHOD_NOT_ALLOWED("method-not-allowed", "The method is not possible here"),
    NOT_ACCEPTABLE("not-acceptable", "None of the accepted media types exists"),
    WAIT_EXPIRED("wait-expired", "The wait ran out"),
    NAME_TAKEN("name-taken", "The name is taken"),
    WRONG_STATE("wrong-state", "Not possible in this state"),
    IN_USE("in-use", "Something else uses it"),
    WRONG_NAMESPACE_TYPE("wrong-namespace-type", "The namespace is of another type"),
    AMBIGUOUS_NAME("ambiguous-name", "Several things have the name"),
    IDEMPOTENCY_CONFLICT("idempotency-conflict", "The Idempotency-Key was used before"),
    PRECONDITION_FAILED("precondition-failed", "It has changed meanwhile"),
    TOO_LARGE("too-large", "The body is too large"),
    UNSUPPORTED_MEDIA_TYPE("unsupported-media-type", "The media type of the body is not supported"),
    EXPECTATION_FAILED("expectation-failed", "The Expect header cannot be met"),
    WRONG_HOST("wrong-host", "The Host is not one of ours"),
    INTERNAL("internal", "A defect of the daemon"),
    KERNEL_REFUSED("kernel-refused", "The kernel refused"),
    UNSUPPORTED_FEATURE("unsupported-feature", "This kernel or host lacks it"),
    EXHAUSTED("exhausted", "Out of a resource for now"),
    BUSY("busy", "Another change of it takes too long");

    private final String id;
    private final String title;

    ProblemType(String id, String title) {
        this.id = id;
        this.title = title;
    }

    /** The last part of its URI: {@code name-taken} of {@code /problems/name-taken}. */
    public String id() {
        return id;
    }

    public String title() {
        return title;
    }
}

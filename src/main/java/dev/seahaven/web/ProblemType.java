package dev.seahaven.web;

import org.springframework.http.HttpStatus;

import java.net.URI;

/**
 * Every kind of problem that the daemon answers (RFC 9457). Each is a promise to clients, explained
 * in docs/problems.md.
 */
public enum ProblemType {
    INVALID_REQUEST("invalid-request", HttpStatus.BAD_REQUEST, "The request is invalid"),
    MALFORMED_BODY("malformed-body", HttpStatus.BAD_REQUEST, "The body is not valid JSON"),
    UNAUTHORIZED("unauthorized", HttpStatus.UNAUTHORIZED, "No token or a wrong one"),
    FORBIDDEN("forbidden", HttpStatus.FORBIDDEN, "Not allowed"),
    FOREIGN_ORIGIN("foreign-origin", HttpStatus.FORBIDDEN, "The request comes from a foreign page"),
    NOT_FOUND("not-found", HttpStatus.NOT_FOUND, "There is no such thing"),
    METHOD_NOT_ALLOWED(
            "method-not-allowed", HttpStatus.METHOD_NOT_ALLOWED, "The method is not possible here"),
    NOT_ACCEPTABLE(
            "not-acceptable", HttpStatus.NOT_ACCEPTABLE, "None of the accepted media types exists"),
    WAIT_EXPIRED("wait-expired", HttpStatus.REQUEST_TIMEOUT, "The wait ran out"),
    NAME_TAKEN("name-taken", HttpStatus.CONFLICT, "The name is taken"),
    WRONG_STATE("wrong-state", HttpStatus.CONFLICT, "Not possible in this state"),
    IN_USE("in-use", HttpStatus.CONFLICT, "Something else uses it"),
    WRONG_NAMESPACE_TYPE(
            "wrong-namespace-type", HttpStatus.CONFLICT, "The namespace is of another type"),
    AMBIGUOUS_NAME("ambiguous-name", HttpStatus.CONFLICT, "Several things have the name"),
    PRECONDITION_FAILED(
            "precondition-failed", HttpStatus.PRECONDITION_FAILED, "It has changed meanwhile"),
    TOO_LARGE("too-large", HttpStatus.CONTENT_TOO_LARGE, "The body is too large"),
    UNSUPPORTED_MEDIA_TYPE(
            "unsupported-media-type",
            HttpStatus.UNSUPPORTED_MEDIA_TYPE,
            "The media type of the body is not supported"),
    WRONG_HOST("wrong-host", HttpStatus.MISDIRECTED_REQUEST, "The Host is not one of ours"),
    INTERNAL("internal", HttpStatus.INTERNAL_SERVER_ERROR, "A defect of the daemon"),
    KERNEL_REFUSED("kernel-refused", HttpStatus.INTERNAL_SERVER_ERROR, "The kernel refused"),
    UNSUPPORTED_FEATURE(
            "unsupported-feature", HttpStatus.NOT_IMPLEMENTED, "This kernel or host lacks it"),
    EXHAUSTED("exhausted", HttpStatus.SERVICE_UNAVAILABLE, "Out of a resource for now"),
    BUSY("busy", HttpStatus.SERVICE_UNAVAILABLE, "Another change of it takes too long");

    private final String name;
    private final HttpStatus status;
    private final String title;

    ProblemType(String name, HttpStatus status, String title) {
        this.name = name;
        this.status = status;
        this.title = title;
    }

    public URI uri() {
        return URI.create("/problems/" + name);
    }

    public HttpStatus status() {
        return status;
    }

    public String title() {
        return title;
    }

    /** The problem for a status of the web server or framework that says no more. */
    static ProblemType of(int status) {
        return switch (status) {
            case 401 -> UNAUTHORIZED;
            case 403 -> FORBIDDEN;
            case 404 -> NOT_FOUND;
            case 405 -> METHOD_NOT_ALLOWED;
            case 406 -> NOT_ACCEPTABLE;
            case 412 -> PRECONDITION_FAILED;
            case 413 -> TOO_LARGE;
            case 415 -> UNSUPPORTED_MEDIA_TYPE;
            case 421 -> WRONG_HOST;
            case 503 -> BUSY;
            default -> status >= 400 && status < 500 ? INVALID_REQUEST : INTERNAL;
        };
    }
}

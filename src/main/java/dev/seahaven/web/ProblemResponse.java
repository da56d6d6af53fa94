package dev.seahaven.web;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;

import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;

import java.net.URI;

/** What a problem is in HTTP: its status and its document (RFC 9457). */
public final class ProblemResponse {

    private ProblemResponse() {}

    /** The one status of each type; for a test and the description of the API, too. */
    public static HttpStatus status(ProblemType type) {
        return switch (type) {
            case INVALID_REQUEST, MALFORMED_BODY -> HttpStatus.BAD_REQUEST;
            case UNAUTHORIZED -> HttpStatus.UNAUTHORIZED;
            case FORBIDDEN, FOREIGN_ORIGIN -> HttpStatus.FORBIDDEN;
            case NOT_FOUND -> HttpStatus.NOT_FOUND;
            case METHOD_NOT_ALLOWED -> HttpStatus.METHOD_NOT_ALLOWED;
            case NOT_ACCEPTABLE -> HttpStatus.NOT_ACCEPTABLE;
            case WAIT_EXPIRED -> HttpStatus.REQUEST_TIMEOUT;
            case NAME_TAKEN,
                    WRONG_STATE,
                    IN_USE,
                    WRONG_NAMESPACE_TYPE,
                    AMBIGUOUS_NAME,
                    IDEMPOTENCY_CONFLICT ->
                    HttpStatus.CONFLICT;
            case PRECONDITION_FAILED -> HttpStatus.PRECONDITION_FAILED;
            case EXPECTATION_FAILED -> HttpStatus.EXPECTATION_FAILED;
            case TOO_LARGE -> HttpStatus.CONTENT_TOO_LARGE;
            case UNSUPPORTED_MEDIA_TYPE -> HttpStatus.UNSUPPORTED_MEDIA_TYPE;
            case WRONG_HOST -> HttpStatus.MISDIRECTED_REQUEST;
            case INTERNAL, KERNEL_REFUSED -> HttpStatus.INTERNAL_SERVER_ERROR;
            case UNSUPPORTED_FEATURE -> HttpStatus.NOT_IMPLEMENTED;
            case EXHAUSTED, BUSY -> HttpStatus.SERVICE_UNAVAILABLE;
        };
    }

    public static URI uri(ProblemType type) {
        return URI.create("/problems/" + type.id());
    }

    /** The problem for a status of the web server or framework that says no more. */
    static ProblemType typeOf(int status) {
        return switch (status) {
            case 401 -> ProblemType.UNAUTHORIZED;
            case 403 -> ProblemType.FORBIDDEN;
            case 404 -> ProblemType.NOT_FOUND;
            case 405 -> ProblemType.METHOD_NOT_ALLOWED;
            case 406 -> ProblemType.NOT_ACCEPTABLE;
            case 412 -> ProblemType.PRECONDITION_FAILED;
            case 413 -> ProblemType.TOO_LARGE;
            case 415 -> ProblemType.UNSUPPORTED_MEDIA_TYPE;
            case 417 -> ProblemType.EXPECTATION_FAILED;
            case 421 -> ProblemType.WRONG_HOST;
            case 503 -> ProblemType.BUSY;
            default ->
                    status >= 400 && status < 500
                            ? ProblemType.INVALID_REQUEST
                            : ProblemType.INTERNAL;
        };
    }

    static ProblemDetail detail(Problem problem) {
        ProblemDetail detail = detail(problem.type(), String.valueOf(problem.getMessage()));
        problem.members().forEach(detail::setProperty);
        return detail;
    }

    static ProblemDetail detail(ProblemType type, String text) {
        ProblemDetail detail = ProblemDetail.forStatusAndDetail(status(type), text);
        detail.setType(uri(type));
        detail.setTitle(type.title());
        return detail;
    }
}

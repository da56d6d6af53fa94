package dev.seahaven.web;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.problem.Violation;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.ServletWebRequest;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;

import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.databind.exc.MismatchedInputException;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.util.List;

/** The one place where failures become answers. */
@RestControllerAdvice
class ProblemAdvice extends ResponseEntityExceptionHandler {

    private static final Logger LOG = System.getLogger(ProblemAdvice.class.getName());
    static final String RETRY_SECONDS = "1";

    private final List<Failures> failures;

    ProblemAdvice(List<Failures> failures) {
        this.failures = failures;
    }

    @ExceptionHandler
    ResponseEntity<Object> problem(Problem problem, HttpServletRequest request) {
        return answer(ProblemResponse.detail(problem), request.getRequestURI(), new HttpHeaders());
    }

    @ExceptionHandler
    ResponseEntity<Object> tooLarge(BodyTooLargeException failure, HttpServletRequest request) {
        return answer(
                ProblemResponse.detail(ProblemType.TOO_LARGE, failure.getMessage()),
                request.getRequestURI(),
                new HttpHeaders());
    }

    @ExceptionHandler
    ResponseEntity<Object> failure(Exception failure, HttpServletRequest request) {
        return failures.stream()
                .flatMap(each -> each.problem(failure).stream())
                .findFirst()
                .map(problem -> problem(problem, request))
                .orElseGet(() -> defect(failure, request));
    }

    private static ResponseEntity<Object> defect(Exception defect, HttpServletRequest request) {
        LOG.log(Level.ERROR, "a defect of the daemon", defect);
        return answer(
                ProblemResponse.detail(
                        ProblemType.INTERNAL,
                        "The daemon has a defect; its log tells more. The request may be"
                                + " repeated."),
                request.getRequestURI(),
                new HttpHeaders());
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpMessageNotReadable(
            HttpMessageNotReadableException failure,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        StrictJson.Findings findings = StrictJson.takeFindings();
        if (NestedExceptionUtils.getMostSpecificCause(failure)
                instanceof BodyTooLargeException tooLarge) {
            return answer(
                    ProblemResponse.detail(ProblemType.TOO_LARGE, tooLarge.getMessage()),
                    path(request),
                    headers);
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof MismatchedInputException mismatch
                    && !mismatch.getPath().isEmpty()) {
                List<Violation> violations =
                        findings.and(
                                new Violation(
                                        StrictJson.field(mismatch.getPath()),
                                        StrictJson.reason(mismatch)));
                return answer(
                        ProblemResponse.detail(Problem.invalid(violations)),
                        path(request),
                        headers);
            }
            if (cause instanceof InputCoercionException number && !number.getPath().isEmpty()) {
                return answer(
                        ProblemResponse.detail(
                                Problem.invalid(
                                        StrictJson.field(number.getPath()),
                                        "must be a whole number within its range")),
                        path(request),
                        headers);
            }
            if (cause instanceof JacksonException malformed) {
                return answer(
                        ProblemResponse.detail(
                                ProblemType.MALFORMED_BODY, StrictJson.reason(malformed)),
                        path(request),
                        headers);
            }
        }
        return answer(
                ProblemResponse.detail(
                        ProblemType.MALFORMED_BODY, "The body is missing; send a JSON document."),
                path(request),
                headers);
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleExceptionInternal(
            Exception failure,
            @Nullable Object body,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        if (failure instanceof MethodArgumentTypeMismatchException mismatch) {
            return answer(
                    ProblemResponse.detail(
                            Problem.invalid(
                                    mismatch.getName(),
                                    "'" + mismatch.getValue() + "' is not possible here")),
                    path(request),
                    headers);
        }
        ProblemType type = ProblemResponse.typeOf(status.value());
        String text =
                body instanceof ProblemDetail detail && detail.getDetail() != null
                        ? detail.getDetail()
                        : type.title();
        if (type == ProblemType.INTERNAL) {
            LOG.log(Level.ERROR, "a defect of the daemon", failure);
            text = "The daemon has a defect; its log tells more.";
        }
        return answer(ProblemResponse.detail(type, text), path(request), headers);
    }

    private static String path(WebRequest request) {
        return ((ServletWebRequest) request).getRequest().getRequestURI();
    }

    private static ResponseEntity<Object> answer(
            ProblemDetail detail, String path, HttpHeaders headers) {
        detail.setInstance(URI.create(path));
        ResponseEntity.BodyBuilder answer =
                ResponseEntity.status(detail.getStatus())
                        .headers(headers)
                        .contentType(MediaType.APPLICATION_PROBLEM_JSON);
        if (detail.getStatus() == 503) {
            answer.header(HttpHeaders.RETRY_AFTER, RETRY_SECONDS);
        }
        return answer.body(detail);
    }
}

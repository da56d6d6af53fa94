package dev.seahaven.web;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.problem.Violation;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.http.MediaType;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Refuses a body where an operation takes none: one that is no JSON, as a web page can send, and
 * one with members, which would be passed over.
 */
final class StrictBodies implements HandlerInterceptor {

    private static final Set<String> CHANGES = Set.of("POST", "PUT", "PATCH", "DELETE");

    private final JsonMapper json;

    StrictBodies(JsonMapper json) {
        this.json = json;
    }

    @Override
    public boolean preHandle(
            HttpServletRequest request, HttpServletResponse response, Object handler)
            throws IOException, HttpMediaTypeNotSupportedException {
        boolean body =
                request.getContentLengthLong() > 0
                        || request.getHeader("Transfer-Encoding") != null;
        if (!body
                || !CHANGES.contains(request.getMethod())
                || !(handler instanceof HandlerMethod method)
                || Arrays.stream(method.getMethodParameters())
                        .anyMatch(each -> each.hasParameterAnnotation(RequestBody.class))) {
            return true;
        }
        String type = request.getContentType();
        if (type == null || !MediaType.APPLICATION_JSON.isCompatibleWith(MediaType.valueOf(type))) {
            throw new HttpMediaTypeNotSupportedException(
                    type == null ? null : MediaType.valueOf(type),
                    List.of(MediaType.APPLICATION_JSON));
        }
        JsonNode document;
        try {
            document = json.readTree(request.getInputStream().readAllBytes());
        } catch (JacksonException e) {
            throw new Problem(ProblemType.MALFORMED_BODY, StrictJson.reason(e));
        }
        List<Violation> unknown =
                document.propertyStream()
                        .map(member -> new Violation(member.getKey(), "is unknown"))
                        .toList();
        if (!unknown.isEmpty() || !(document.isObject() || document.isMissingNode())) {
            throw Problem.invalid(
                    unknown.isEmpty()
                            ? List.of(new Violation("", "must be an object without members"))
                            : unknown);
        }
        return true;
    }
}

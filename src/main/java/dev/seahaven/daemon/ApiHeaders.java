package dev.seahaven.daemon;

import dev.seahaven.web.IdempotencyFilter;
import dev.seahaven.web.IfMatch;

import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.parameters.HeaderParameter;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.responses.ApiResponse;

import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.method.HandlerMethod;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Describes the headers that operations share: entity tags, and keys of repeated requests. */
final class ApiHeaders {

    /** What answers a single resource with its entity tag. */
    private static final Set<String> READS =
            Set.of("getSandbox", "getNamespace", "getProcess", "getSystem");

    /** What changes a resource, or makes one, and answers it. */
    private static final Set<String> CHANGES =
            Set.of(
                    "createSandbox",
                    "patchSandbox",
                    "startSandbox",
                    "stopSandbox",
                    "killSandbox",
                    "pauseSandbox",
                    "resumeSandbox",
                    "restartSandbox",
                    "createNamespace");

    private static final Map<String, String> ANSWERS =
            Map.of(
                    HttpHeaders.ACCEPT_PATCH,
                    "The media types that a change may have (RFC 5789).",
                    HttpHeaders.ETAG,
                    "The version of the resource (RFC 9110, 8.8.3).",
                    HttpHeaders.LOCATION,
                    "The path of what was made.",
                    HttpHeaders.RETRY_AFTER,
                    "After how many seconds another try may succeed.",
                    HttpHeaders.WWW_AUTHENTICATE,
                    "What to send in the header Authorization: a bearer token (RFC 6750).",
                    IdempotencyFilter.REPLAYED,
                    "Where it is there, and true: this is the kept answer to the first request with"
                            + " the key.");

    private ApiHeaders() {}

    static void describe(Operation operation, HandlerMethod method) {
        if (Arrays.stream(method.getMethodParameters())
                .anyMatch(each -> each.getParameterType().equals(IfMatch.class))) {
            add(
                    operation,
                    "If-Match",
                    "The entity tag that was read; where it has changed since, the answer is 412"
                            + " and nothing is done.",
                    "\"k3v9x2m4qh7d-1c291ca3\"");
        }
        if (isPost(method)) {
            add(
                    operation,
                    IdempotencyFilter.KEY,
                    "1 to 255 visible ASCII characters. A repeat of the request with the same key"
                            + " within 24 hours is given the first answer, and carried out once.",
                    "7b2f6c1e-create-web");
        }
        if (READS.contains(operation.getOperationId())) {
            add(
                    operation,
                    "If-None-Match",
                    "The entity tag that was read; where it has not changed since, the answer is"
                            + " 304, without a body.",
                    "\"k3v9x2m4qh7d-1c291ca3\"");
            operation
                    .getResponses()
                    .addApiResponse(
                            "304", new ApiResponse().description("It has not changed since."));
            tag(operation, "200");
        }
        if (CHANGES.contains(operation.getOperationId())) {
            tag(operation, operation.getResponses().containsKey("201") ? "201" : "200");
        }
    }

    private static boolean isPost(HandlerMethod method) {
        RequestMapping mapping =
                AnnotatedElementUtils.findMergedAnnotation(
                        method.getMethod(), RequestMapping.class);
        return mapping != null && Arrays.asList(mapping.method()).contains(RequestMethod.POST);
    }

    private static void add(Operation operation, String name, String text, String example) {
        operation.addParametersItem(
                new HeaderParameter()
                        .name(name)
                        .description(text)
                        .required(false)
                        .schema(new StringSchema())
                        .example(example));
    }

    private static void tag(Operation operation, String status) {
        addTo(Objects.requireNonNull(operation.getResponses().get(status)), HttpHeaders.ETAG);
    }

    /** Those of answers, when all the statuses of the operation are told. */
    static void describeAnswers(Operation operation) {
        boolean replayed =
                Objects.requireNonNullElse(operation.getParameters(), List.<Parameter>of()).stream()
                        .anyMatch(each -> each.getName().equals(IdempotencyFilter.KEY));
        operation
                .getResponses()
                .forEach(
                        (status, response) -> {
                            switch (status) {
                                case "201" -> addTo(response, HttpHeaders.LOCATION);
                                case "304" -> addTo(response, HttpHeaders.ETAG);
                                case "401" -> addTo(response, HttpHeaders.WWW_AUTHENTICATE);
                                case "415" -> addPatchTypes(operation, response);
                                case "503" -> addTo(response, HttpHeaders.RETRY_AFTER);
                                default -> {}
                            }
                            if (replayed && Integer.parseInt(status) < 500) {
                                addTo(response, IdempotencyFilter.REPLAYED);
                            }
                        });
    }

    private static void addPatchTypes(Operation operation, ApiResponse response) {
        if (operation.getOperationId().startsWith("patch")) {
            addTo(response, HttpHeaders.ACCEPT_PATCH);
        }
    }

    private static void addTo(ApiResponse response, String header) {
        response.addHeaderObject(header, new Header().$ref("#/components/headers/" + header));
    }

    /** What the headers of answers are, by their names. */
    static void define(Components components) {
        ANSWERS.forEach(
                (name, text) ->
                        components.addHeaders(
                                name, new Header().description(text).schema(new StringSchema())));
    }
}

package dev.seahaven.daemon;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toList;

import dev.seahaven.problem.ProblemType;
import dev.seahaven.web.IfMatch;
import dev.seahaven.web.ProblemResponse;

import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.examples.Example;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.ArraySchema;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.IntegerSchema;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.ObjectSchema;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import io.swagger.v3.oas.models.servers.Server;

import org.jspecify.annotations.Nullable;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springdoc.core.customizers.OperationCustomizer;
import org.springdoc.core.utils.SpringDocUtils;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/** What OpenAPI says of the whole: title, token, and the form of problems. */
@Configuration(proxyBeanMethods = false)
class ApiDescription {

    private static final String TOKEN = "token";

    @Bean
    OpenAPI openApi() {
        return new OpenAPI()
                .info(
                        new Info()
                                .title("seahaven")
                                .version("1")
                                .description(
                                        "Creates, inspects and destroys Linux namespaces and"
                                                + " sandboxes. A member that is null and one that"
                                                + " is absent mean the same."))
                .servers(List.of(new Server().url("/").description("this daemon")))
                .addSecurityItem(new SecurityRequirement().addList(TOKEN))
                .components(
                        new Components()
                                .addSecuritySchemes(
                                        TOKEN,
                                        new SecurityScheme()
                                                .type(SecurityScheme.Type.HTTP)
                                                .scheme("bearer")
                                                .description(
                                                        "The token of the token file; not needed on"
                                                                + " the Unix socket.")));
    }

    private static Schema<?> problem() {
        Schema<?> violation =
                new ObjectSchema()
                        .addProperty("field", new StringSchema().example("command"))
                        .addProperty("message", new StringSchema());
        return new ObjectSchema()
                .description("RFC 9457; docs/problems.md tells every type with its remedy.")
                .addProperty("type", new StringSchema().example("/problems/invalid-request"))
                .addProperty("title", new StringSchema())
                .addProperty("status", new IntegerSchema().example(400))
                .addProperty("detail", new StringSchema())
                .addProperty("instance", new StringSchema())
                .addProperty("violations", new ArraySchema().items(violation))
                .addProperty("syscall", new StringSchema().description("What the kernel refused."))
                .addProperty("errno", new StringSchema().example("EBUSY"))
                .addProperty("stage", new StringSchema().description("Where a launch ended."))
                .addRequiredItem("type")
                .addRequiredItem("title")
                .addRequiredItem("status");
    }

    @Bean
    OpenApiCustomizer description(JsonMapper json) throws IOException {
        List<ApiExample> examples = ApiExample.all(json);
        Map<String, Object> answers = ApiExample.answers(json);
        return api -> {
            api.getComponents().addSchemas("Problem", problem());
            ApiHeaders.define(api.getComponents());
            api.getComponents().getSchemas().values().forEach(ApiDescription::allowOverlap);
            for (PathItem path : api.getPaths().values()) {
                for (Operation operation : path.readOperations()) {
                    addProblems(operation);
                    ApiHeaders.describeAnswers(operation);
                    addExamples(operation, examples);
                    allowOverlap(operation);
                    addAnswer(operation, answers.get(operation.getOperationId()));
                }
            }
        };
    }

    /** The headers that operations share. */
    @Bean
    OperationCustomizer headers() {
        SpringDocUtils.getConfig().addRequestWrapperToIgnore(IfMatch.class);
        return (operation, method) -> {
            ApiHeaders.describe(operation, method);
            return operation;
        };
    }

    private static void allowOverlap(Operation operation) {
        for (ApiResponse response : operation.getResponses().values()) {
            Content content = Objects.requireNonNullElse(response.getContent(), new Content());
            content.values().stream()
                    .map(MediaType::getSchema)
                    .filter(Objects::nonNull)
                    .forEach(ApiDescription::allowOverlap);
        }
    }

    /**
     * A choice whose members have no required members of their own: what is one of them is others
     * too.
     */
    private static void allowOverlap(Schema<?> schema) {
        if (schema.getOneOf() != null) {
            schema.setAnyOf(List.copyOf(schema.getOneOf()));
            schema.setOneOf(null);
        }
        if (schema.getItems() != null) {
            allowOverlap(schema.getItems());
        }
        if (schema.getProperties() != null) {
            schema.getProperties().values().forEach(ApiDescription::allowOverlap);
        }
    }

    private static void addAnswer(Operation operation, @Nullable Object answer) {
        for (String status : List.of("200", "201")) {
            ApiResponse response = operation.getResponses().get(status);
            if (answer != null && response != null && response.getContent() != null) {
                response.getContent().values().stream()
                        .limit(1)
                        .forEach(content -> content.setExample(answer));
            }
        }
    }

    private static void addProblems(Operation operation) {
        Map<Integer, List<ProblemType>> byStatus =
                ApiProblems.of(operation).stream()
                        .collect(
                                groupingBy(
                                        type -> ProblemResponse.status(type).value(),
                                        TreeMap::new,
                                        toList()));
        byStatus.forEach(
                (status, types) ->
                        operation
                                .getResponses()
                                .addApiResponse(
                                        status.toString(),
                                        new ApiResponse()
                                                .description(
                                                        types.stream()
                                                                .map(
                                                                        type ->
                                                                                ProblemResponse.uri(
                                                                                                type)
                                                                                        + ": "
                                                                                        + type
                                                                                                .title())
                                                                .collect(joining("; ")))
                                                .content(problemContent())));
    }

    private static Content problemContent() {
        return new Content()
                .addMediaType(
                        "application/problem+json",
                        new MediaType()
                                .schema(new Schema<>().$ref("#/components/schemas/Problem")));
    }

    private static void addExamples(Operation operation, List<ApiExample> examples) {
        for (ApiExample example : examples) {
            if (!example.operation().equals(operation.getOperationId())) {
                continue;
            }
            for (Parameter parameter :
                    Objects.requireNonNullElse(operation.getParameters(), List.<Parameter>of())) {
                String value = example.with().get(parameter.getName());
                if (value != null && parameter.getExample() == null) {
                    parameter.setExample(typed(parameter, value));
                }
            }
            if (example.body() != null && operation.getRequestBody() != null) {
                operation
                        .getRequestBody()
                        .getContent()
                        .values()
                        .forEach(
                                content ->
                                        content.addExamples(
                                                "example-" + (1 + size(content)),
                                                new Example()
                                                        .summary(example.summary())
                                                        .value(example.body())));
            }
        }
    }

    private static Object typed(Parameter parameter, String value) {
        Schema<?> schema = parameter.getSchema();
        Set<String> types = Objects.requireNonNullElse(schema.getTypes(), Set.of("string"));
        return switch (types.iterator().next()) {
            case "integer" -> Long.valueOf(value);
            case "number" -> Double.valueOf(value);
            case "boolean" -> Boolean.valueOf(value);
            case "array" -> List.of(value);
            default -> value;
        };
    }

    private static int size(MediaType content) {
        return content.getExamples() == null ? 0 : content.getExamples().size();
    }
}

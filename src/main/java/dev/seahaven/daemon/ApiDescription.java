package dev.seahaven.daemon;

import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.ArraySchema;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.IntegerSchema;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.ObjectSchema;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import io.swagger.v3.oas.models.servers.Server;

import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.util.List;

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
                                                + " sandboxes."))
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
                                                                + " the Unix socket."))
                                .addSchemas("Problem", problem()));
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
    OpenApiCustomizer problems() {
        return api ->
                api.getPaths()
                        .values()
                        .forEach(path -> path.readOperations().forEach(ApiDescription::addProblem));
    }

    private static void addProblem(Operation operation) {
        operation
                .getResponses()
                .addApiResponse(
                        "default",
                        new ApiResponse()
                                .description("A problem.")
                                .content(
                                        new Content()
                                                .addMediaType(
                                                        "application/problem+json",
                                                        new MediaType()
                                                                .schema(
                                                                        new Schema<>()
                                                                                .$ref(
                                                                                        "#/components/schemas/Problem")))));
    }
}

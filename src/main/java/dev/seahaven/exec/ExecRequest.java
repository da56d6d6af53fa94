package dev.seahaven.exec;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/** The body of an {@code exec}. */
@Schema(name = "Exec")
record ExecRequest(
        @Schema(
                        description = "Program and arguments; a name is looked up in PATH.",
                        requiredMode = Schema.RequiredMode.REQUIRED,
                        example = "[\"ip\", \"-brief\", \"address\"]")
                @Nullable List<@Nullable String> command,
        @Schema(description = "Environment; PATH and HOME have defaults, nothing is inherited.")
                @Nullable Map<String, @Nullable String> env,
        @Schema(description = "UID or UID:GID, as the inside has them.", defaultValue = "0:0")
                @Nullable String user,
        @Schema(description = "Absolute; must exist.", defaultValue = "/")
                @Nullable String workingDirectory,
        @Nullable String stdin,
        @Schema(description = "It is killed after that. Absent: never.")
                @Nullable Double timeoutSeconds,
        @Schema(
                        description =
                                "Answer as soon as it runs, and let it run on; its output is lost.",
                        defaultValue = "false")
                @Nullable Boolean detach) {}

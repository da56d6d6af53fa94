package dev.seahaven.sandbox.spec;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;

import dev.seahaven.namespace.IdMappingRequest;
import dev.seahaven.problem.Names;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/** The body of {@code POST /sandboxes} and {@code POST /runs}; only {@code command} is needed. */
@Schema(name = "CreateSandbox")
public record SandboxRequest(
        @Schema(
                        description = "Unique; usable in paths in place of the id.",
                        pattern = Names.FORM,
                        example = "web")
                @Nullable String name,
        @Schema(description = "Free text by key.", example = "{\"team\": \"a\"}")
                @Nullable Map<String, @Nullable String> labels,
        @Schema(description = "The root. Absent: a throw-away layer over the host's own root.")
                @Nullable RootfsRequest rootfs,
        @Schema(
                        description =
                                "Program and arguments. A name without a slash is looked up in"
                                        + " PATH.",
                        requiredMode = Schema.RequiredMode.REQUIRED,
                        example = "[\"/bin/sh\", \"-c\", \"echo hi\"]")
                @Nullable List<@Nullable String> command,
        @Schema(
                        description =
                                "Environment; PATH and HOME have defaults, nothing else is"
                                        + " inherited.",
                        example = "{\"LANG\": \"C.UTF-8\"}")
                @Nullable Map<String, @Nullable String> env,
        @Schema(description = "Absolute; must exist.", defaultValue = "/")
                @Nullable String workingDirectory,
        @Schema(
                        description =
                                "USER, UID, USER:GROUP or UID:GID; names are looked up in the"
                                        + " root's own files.",
                        defaultValue = "0:0",
                        example = "1000:1000")
                @Nullable String user,
        @Schema(description = "Default: the name, with _ and . turned into -, or the id.")
                @Nullable String hostname,
        @Schema(
                        description =
                                "Whether pid 1 is an init that forwards signals and reaps orphans.",
                        defaultValue = "true")
                @Nullable Boolean init,
        @Nullable NamespacesRequest namespaces,
        @Nullable NetworkRequest network,
        @Nullable LimitsRequest limits,
        @Nullable SecurityRequest security,
        @Schema(description = "What stop sends.", defaultValue = "TERM")
                @Nullable String stopSignal,
        @Schema(description = "It is killed this long after it runs. Absent: never.")
                @Nullable Double timeoutSeconds,
        @Schema(description = "Whether it is started at once; not for runs.", defaultValue = "true")
                @Nullable Boolean start,
        @Schema(description = "What the command reads; only for runs.") @Nullable String stdin,
        @Schema(
                        description =
                                "How the answer has stdout and stderr: text, which is the"
                                        + " default, or base64; only for runs.")
                @Nullable String output) {

    @Schema(name = "Rootfs")
    public record RootfsRequest(
            @Schema(description = "Absolute path of a directory, without symbolic links.")
                    @Nullable String path,
            @Schema(
                            description = "Whether changes go to a throw-away layer.",
                            defaultValue = "true")
                    @Nullable Boolean ephemeral,
            @Schema(defaultValue = "false") @Nullable Boolean readOnly) {}

    private static final String MEMBER =
            "\"new\", \"host\", \"sandbox:NAME\" (another sandbox's) or \"namespace:NAME\" (by name"
                    + " or number)";

    @Schema(name = "Namespaces", description = "Each member: " + MEMBER + ".")
    public record NamespacesRequest(
            @Schema(defaultValue = "new") @Nullable String pid,
            @Schema(defaultValue = "new") @Nullable String mount,
            @Schema(defaultValue = "new") @Nullable String uts,
            @Schema(defaultValue = "new") @Nullable String ipc,
            @Schema(defaultValue = "new") @Nullable String cgroup,
            @Nullable UserRequest user,
            @Nullable TimeRequest time) {}

    @Schema(
            name = "UserNamespace",
            description = "Also a plain string: " + MEMBER + ". New ones have their own 65536 ids.")
    public record UserRequest(
            @Schema(defaultValue = "new") @Nullable String mode,
            @Nullable List<@Nullable IdMappingRequest> uidMappings,
            @Schema(description = "Absent or empty: the same as uidMappings.")
                    @Nullable List<@Nullable IdMappingRequest> gidMappings) {

        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        public UserRequest(
                @JsonProperty("mode") @Nullable String mode,
                @JsonProperty("uidMappings") @Nullable List<@Nullable IdMappingRequest> uidMappings,
                @JsonProperty("gidMappings")
                        @Nullable List<@Nullable IdMappingRequest> gidMappings) {
            this.mode = mode;
            this.uidMappings = uidMappings;
            this.gidMappings = gidMappings;
        }

        @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
        static UserRequest of(String mode) {
            return new UserRequest(mode, null, null);
        }
    }

    @Schema(
            name = "TimeNamespace",
            description = "Also a plain string: " + MEMBER + ". Offsets need \"new\".")
    public record TimeRequest(
            @Schema(defaultValue = "host") @Nullable String mode,
            @Nullable Long monotonicOffsetSeconds,
            @Nullable Long boottimeOffsetSeconds) {

        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        public TimeRequest(
                @JsonProperty("mode") @Nullable String mode,
                @JsonProperty("monotonicOffsetSeconds") @Nullable Long monotonicOffsetSeconds,
                @JsonProperty("boottimeOffsetSeconds") @Nullable Long boottimeOffsetSeconds) {
            this.mode = mode;
            this.monotonicOffsetSeconds = monotonicOffsetSeconds;
            this.boottimeOffsetSeconds = boottimeOffsetSeconds;
        }

        @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
        static TimeRequest of(String mode) {
            return new TimeRequest(mode, null, null);
        }
    }

    @Schema(name = "Network")
    public record NetworkRequest(
            @Schema(
                            description = "none, host, sandbox or namespace",
                            defaultValue = "none",
                            example = "none")
                    @Nullable String mode,
            @Schema(description = "The sandbox or namespace that the last two share.")
                    @Nullable String join) {}
}

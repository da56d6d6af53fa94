package dev.seahaven.namespace;

import dev.seahaven.web.Names;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** The body of {@code POST /namespaces}. */
@Schema(name = "CreateNamespace")
record CreateNamespaceRequest(
        @Schema(
                        description = "Unique among the names of its type.",
                        pattern = Names.FORM,
                        requiredMode = Schema.RequiredMode.REQUIRED,
                        example = "blue")
                @Nullable String name,
        @Schema(
                        description = "cgroup, ipc, mnt, net, pid, time, user or uts.",
                        requiredMode = Schema.RequiredMode.REQUIRED,
                        example = "net")
                @Nullable String type,
        @Schema(description = "For uts; default: the name, with _ and . turned into -.")
                @Nullable String hostname,
        @Schema(description = "For user; default: 65,536 ids of its own.")
                @Nullable List<@Nullable IdMappingRequest> uidMappings,
        @Schema(description = "For user; default: the uidMappings.")
                @Nullable List<@Nullable IdMappingRequest> gidMappings,
        @Schema(description = "For time; what its monotonic clock is ahead of the host's.")
                @Nullable Long monotonicOffsetSeconds,
        @Schema(description = "For time; what its boottime clock is ahead of the host's.")
                @Nullable Long boottimeOffsetSeconds,
        @Schema(description = "Give the name to a namespace that exists.")
                @Nullable AdoptRequest adopt) {

    /** One of the three. */
    @Schema(name = "AdoptNamespace")
    record AdoptRequest(
            @Schema(description = "A process that is in it.") @Nullable Integer pid,
            @Schema(description = "Its number.") @Nullable Long namespace,
            @Schema(description = "A file that is one.", example = "/proc/4711/ns/net")
                    @Nullable String path) {}
}

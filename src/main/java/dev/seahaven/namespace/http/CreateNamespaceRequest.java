package dev.seahaven.namespace.http;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.namespace.IdMappingRequest;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.life.Adoption;
import dev.seahaven.namespace.names.Declared;
import dev.seahaven.problem.Names;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.Violations;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

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
        @Schema(
                        description =
                                "For uts; default: the name, in lower case, with - for what a host"
                                        + " name cannot have.")
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

    /**
     * Checks it, and fills in the defaults but for the ids of a user namespace.
     *
     * @throws Problem 400 with all that is wrong
     */
    Declared resolve() {
        Violations wrong = new Violations();
        String asked = Objects.requireNonNullElse(name, "");
        Names.check(asked, wrong);
        NamespaceType kind =
                NamespaceType.ofKernelName(Objects.requireNonNullElse(type, "")).orElse(null);
        wrong.require(
                kind != null, "type", "must be cgroup, ipc, mnt, net, pid, time, user or uts");
        boolean made = adopt == null;
        only(wrong, made && kind == NamespaceType.UTS, hostname, "hostname");
        only(wrong, made && kind == NamespaceType.USER, uidMappings, "uidMappings");
        only(wrong, made && kind == NamespaceType.USER, gidMappings, "gidMappings");
        only(
                wrong,
                made && kind == NamespaceType.TIME,
                monotonicOffsetSeconds,
                "monotonicOffsetSeconds");
        only(
                wrong,
                made && kind == NamespaceType.TIME,
                boottimeOffsetSeconds,
                "boottimeOffsetSeconds");
        List<IdMapping> uids = IdMappingRequest.resolve("uidMappings", uidMappings, wrong);
        List<IdMapping> gids = IdMappingRequest.resolve("gidMappings", gidMappings, wrong);
        wrong.require(
                gids.isEmpty() || !uids.isEmpty(), "gidMappings", "need uidMappings beside them");
        String host = hostname == null ? Names.hostname(asked) : hostname;
        wrong.require(
                hostname == null || host.matches("[-._a-zA-Z0-9]{1,64}"),
                "hostname",
                "must be 1 to 64 letters, digits, dots and hyphens");
        wrong.throwIfAny();
        return new Declared(
                Objects.requireNonNull(kind),
                asked,
                kind == NamespaceType.UTS ? host : null,
                uids,
                gids.isEmpty() ? uids : gids,
                Objects.requireNonNullElse(monotonicOffsetSeconds, 0L),
                Objects.requireNonNullElse(boottimeOffsetSeconds, 0L));
    }

    private static void only(
            Violations wrong, boolean allowed, @Nullable Object value, String field) {
        wrong.require(
                allowed || value == null,
                field,
                "is not for this type, or not for a namespace that is adopted");
    }

    /** One of the three. */
    @Schema(name = "AdoptNamespace")
    public record AdoptRequest(
            @Schema(description = "A process that is in it.") @Nullable Integer pid,
            @Schema(description = "Its number.") @Nullable Long namespace,
            @Schema(description = "A file that is one.", example = "/proc/4711/ns/net")
                    @Nullable String path) {

        /**
         * @throws Problem 400 when it is not exactly one of the three, or a wrong one
         */
        Adoption resolve() {
            long given =
                    Stream.<@Nullable Object>of(pid, namespace, path)
                            .filter(Objects::nonNull)
                            .count();
            if (given != 1) {
                throw Problem.invalid("adopt", "needs exactly one of pid, namespace and path");
            }
            if (pid != null) {
                if (pid <= 0) {
                    throw Problem.invalid("adopt.pid", "must be above 0");
                }
                return new Adoption.OfProcess(pid);
            }
            if (namespace != null) {
                return new Adoption.OfNamespace(namespace);
            }
            String file = Objects.requireNonNull(path);
            if (!file.startsWith("/") || file.indexOf('\0') >= 0) {
                throw Problem.invalid("adopt.path", "must be absolute");
            }
            return new Adoption.OfFile(file);
        }
    }
}

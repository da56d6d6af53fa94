package dev.seahaven.namespace.http;

import com.fasterxml.jackson.annotation.JsonInclude;

import dev.seahaven.namespace.names.NamespaceRegistry;
import dev.seahaven.namespace.scan.Holder;
import dev.seahaven.namespace.scan.HostNamespace;
import dev.seahaven.namespace.scan.HostNamespace.Leader;
import dev.seahaven.namespace.scan.HostNamespace.Manager;
import dev.seahaven.web.EntityTag;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** A namespace as answered. */
@Schema(name = "Namespace")
record NamespaceResponse(
        @Schema(description = "The inode number; null for a stale name.") @Nullable Long id,
        String type,
        @Nullable String name,
        @Schema(description = "Where it is bound.") @Nullable String path,
        @Schema(description = "The user namespace that owns it.") @Nullable Long owner,
        @Schema(description = "Who made the user namespace that owns it, or it itself.")
                @Nullable Long creatorUid,
        @Nullable Long parent,
        List<Long> children,
        @Schema(description = "Processes that are members; not threads, not those below.")
                int processCount,
        @Schema(description = "The member with the lowest number.") @Nullable Leader leader,
        @Schema(description = "The sandbox that it belongs to.") @Nullable String sandbox,
        @Schema(description = "Who made it, and what tells so.") @Nullable Manager manager,
        @Schema(description = "A pid namespace whose init has died.") boolean dead,
        @Schema(description = "The name is there, and no namespace.") boolean stale,
        @Schema(description = "Why it is stale.") @Nullable String reason,
        @Schema(description = "Why it lives; not in lists.")
                @JsonInclude(JsonInclude.Include.NON_NULL)
                @Nullable List<Holder> holders) {

    public static NamespaceResponse of(
            HostNamespace found, @Nullable Manager manager, boolean withHolders) {
        NamespaceRegistry.Name name = found.name();
        return new NamespaceResponse(
                found.id(),
                found.type().kernelName(),
                name == null ? null : name.name(),
                name == null ? mountPoint(found) : name.path(),
                found.owner(),
                found.creatorUid(),
                found.parent(),
                List.copyOf(found.children()),
                found.processCount(),
                found.leader(),
                found.sandbox(),
                manager,
                found.isDead(),
                false,
                null,
                withHolders ? List.copyOf(found.holders()) : null);
    }

    private static @Nullable String mountPoint(HostNamespace found) {
        return found.holders().stream()
                .filter(Holder.Mount.class::isInstance)
                .map(holder -> ((Holder.Mount) holder).mountPoint())
                .findFirst()
                .orElse(null);
    }

    static NamespaceResponse stale(NamespaceRegistry.Name name) {
        return new NamespaceResponse(
                null,
                name.type().kernelName(),
                name.name(),
                name.path(),
                null,
                null,
                null,
                List.of(),
                0,
                null,
                null,
                null,
                false,
                true,
                "the file is there, but no namespace is mounted on it; DELETE cleans it up",
                null);
    }

    /** Its entity tag: it does not change with the processes that come and go. */
    String version() {
        return EntityTag.of(
                id == null ? type + "-" + name : id,
                type,
                name,
                path,
                owner,
                creatorUid,
                parent,
                sandbox,
                dead,
                stale);
    }
}

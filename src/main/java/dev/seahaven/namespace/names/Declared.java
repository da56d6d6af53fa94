package dev.seahaven.namespace.names;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.namespace.NamespaceType;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.stream.Stream;

/**
 * A named namespace as it was asked for, with its defaults filled in.
 *
 * @param hostname of a uts namespace
 * @param uidMappings of a user namespace
 * @param monotonicOffsetSeconds of a time namespace, as is the other
 */
public record Declared(
        NamespaceType type,
        String name,
        @Nullable String hostname,
        List<IdMapping> uidMappings,
        List<IdMapping> gidMappings,
        long monotonicOffsetSeconds,
        long boottimeOffsetSeconds) {

    /** All ids of the host that it maps. */
    public List<IdMapping> ids() {
        return Stream.concat(uidMappings.stream(), gidMappings.stream()).toList();
    }

    /** The same with ids. */
    public Declared with(List<IdMapping> uids, List<IdMapping> gids) {
        return new Declared(
                type, name, hostname, uids, gids, monotonicOffsetSeconds, boottimeOffsetSeconds);
    }
}

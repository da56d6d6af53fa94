package dev.seahaven.namespace.names;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.store.DocumentKind;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * A named namespace as it lies on disk. Its form changes only together with the version of {@link
 * #KIND}.
 */
record StoredNamespace(
        String type,
        String name,
        @Nullable String hostname,
        List<Range> uidMappings,
        List<Range> gidMappings,
        long monotonicOffsetSeconds,
        long boottimeOffsetSeconds) {

    /** Version 1 has no member {@code version}, and is otherwise the same. */
    static final DocumentKind<StoredNamespace> KIND =
            new DocumentKind<>("namespace", StoredNamespace.class, List.of(version1 -> version1));

    record Range(long inside, long outside, long length) {}

    static StoredNamespace of(Declared declared) {
        return new StoredNamespace(
                declared.type().name(),
                declared.name(),
                declared.hostname(),
                ranges(declared.uidMappings()),
                ranges(declared.gidMappings()),
                declared.monotonicOffsetSeconds(),
                declared.boottimeOffsetSeconds());
    }

    private static List<Range> ranges(List<IdMapping> mappings) {
        return mappings.stream()
                .map(each -> new Range(each.inside(), each.outside(), each.length()))
                .toList();
    }

    /**
     * @throws IllegalArgumentException when its type is none
     */
    Declared declared() {
        return new Declared(
                NamespaceType.valueOf(type),
                name,
                hostname,
                mappings(uidMappings),
                mappings(gidMappings),
                monotonicOffsetSeconds,
                boottimeOffsetSeconds);
    }

    private static List<IdMapping> mappings(List<Range> ranges) {
        return ranges.stream()
                .map(each -> new IdMapping(each.inside(), each.outside(), each.length()))
                .toList();
    }
}

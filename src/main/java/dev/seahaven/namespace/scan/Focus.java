package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceType;

import org.jspecify.annotations.Nullable;

import java.util.EnumSet;
import java.util.Set;

/**
 * What a scan looks for. Of the types that are not looked for nothing is found; of those that are,
 * only namespaces that are meant are told with their holders.
 *
 * @param ids those that are meant; null for all there are
 */
record Focus(Set<NamespaceType> types, @Nullable Set<Long> ids) {

    static final Focus EVERYTHING = new Focus(EnumSet.allOf(NamespaceType.class), null);

    boolean isEverything() {
        return ids == null;
    }

    boolean means(NamespaceLink link) {
        return ids == null || (ids.contains(link.id()) && types.contains(link.type()));
    }

    /** Whether it is to be found: also as the child of one that is meant. */
    boolean takes(NamespaceLink link) {
        return means(link) || (link.type().hasParent() && types.contains(link.type()));
    }
}

package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceLink;

import org.jspecify.annotations.Nullable;

/**
 * A namespace that was seen somewhere.
 *
 * @param source null where it cannot be opened from there: then it counts only if it is found
 *     elsewhere
 * @param holder what holds it there; null where that is not told
 */
record Sight(NamespaceLink link, @Nullable Source source, @Nullable Holder holder) {}

package dev.seahaven.namespace.scan;

import org.jspecify.annotations.Nullable;

/**
 * What is above a namespace, which stays what it is for as long as the namespace lives.
 *
 * @param parent the number of the namespace that it was made in, of a type that has parents; null
 *     where it is the first, or out of sight
 * @param owner the number of the user namespace that owns it; null where it is out of sight
 * @param creatorUid the user who made the owner, as the daemon sees that one; null where it is
 *     unknown
 */
record Relations(@Nullable Long parent, @Nullable Long owner, @Nullable Long creatorUid) {

    static final Relations UNKNOWN = new Relations(null, null, null);
}

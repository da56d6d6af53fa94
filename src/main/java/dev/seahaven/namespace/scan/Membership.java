package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceType;

import org.jspecify.annotations.Nullable;

/**
 * In which namespace of a type a process is.
 *
 * @param isolated whether it is another than the host's ("the host's" is that of process 1, or the
 *     daemon's own where that cannot be read)
 * @param ownedBy the user namespace that has rights over it, where that is neither the process's
 *     own nor the host's; null where it is, or cannot be told
 */
public record Membership(NamespaceType type, long id, boolean isolated, @Nullable Long ownedBy) {}

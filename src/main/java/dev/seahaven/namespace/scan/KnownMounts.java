package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceLink;

import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What has been found out about mounts, by the numbers that the kernel gives only once
 * (statmount(2), {@code STATX_MNT_ID_UNIQUE} in statx(2)): neither what is mounted nor its root
 * changes, so each is looked at once.
 */
final class KnownMounts {

    private static final int SPARE = 4096;

    private final Set<Long> holdNothing = ConcurrentHashMap.newKeySet();
    private final Map<Long, NamespaceLink> shown = new ConcurrentHashMap<>();

    /** Whether it is neither a namespace nor shows one. */
    boolean holdsNothing(long mount) {
        return holdNothing.contains(mount);
    }

    void holdsNothingAtAll(long mount) {
        holdNothing.add(mount);
    }

    /** The pid namespace that a proc file system shows; null where that is not known. */
    @Nullable NamespaceLink shownBy(long mount) {
        return shown.get(mount);
    }

    void shows(long mount, NamespaceLink pidns) {
        shown.put(mount, pidns);
    }

    /** Forgets those that have gone, when they are more than those that there are. */
    void forget(int there) {
        if (holdNothing.size() + shown.size() > 2 * there + SPARE) {
            holdNothing.clear();
            shown.clear();
        }
    }
}

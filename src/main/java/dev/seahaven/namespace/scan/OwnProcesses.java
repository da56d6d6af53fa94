package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceType;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * The daemon's own processes around what runs: monitors, and inits that are its own. They never
 * leave the namespaces that they began in and hold no others, so each is looked at once, however
 * many sandboxes there are.
 */
public final class OwnProcesses {

    private static final int SPARE = 64;

    private final NamespaceFinder finder;
    private final Supplier<Map<Integer, Long>> all;
    private final Map<Integer, Known> known = new ConcurrentHashMap<>();

    private record Known(long startTicks, Map<NamespaceType, NamespaceLink> namespaces) {}

    /**
     * @param all their numbers, each with its start in clock ticks since boot
     */
    public OwnProcesses(NamespaceFinder finder, Supplier<Map<Integer, Long>> all) {
        this.finder = finder;
        this.all = all;
    }

    /** Those of this moment, for one scan. */
    Look look() {
        Map<Integer, Long> now = all.get();
        if (known.size() > 2 * now.size() + SPARE) {
            known.keySet().retainAll(now.keySet());
        }
        return new Look(now);
    }

    /** Who is in which namespace, read where it is not known. */
    final class Look {

        private final Map<Integer, Long> own;

        private Look(Map<Integer, Long> own) {
            this.own = own;
        }

        /** Whether it is known to hold no namespace but those that it is in. */
        boolean holdsNothing(int pid) {
            return own.containsKey(pid);
        }

        /** A namespace of a process, if both are there and may be seen. */
        Optional<NamespaceLink> namespace(int pid, NamespaceType type) {
            Long startTicks = own.get(pid);
            return startTicks == null
                    ? finder.ofProcess(pid, type)
                    : Optional.ofNullable(namespaces(pid, startTicks).get(type));
        }

        private Map<NamespaceType, NamespaceLink> namespaces(int pid, long startTicks) {
            Known seen = known.get(pid);
            if (seen == null || seen.startTicks != startTicks) {
                seen = new Known(startTicks, finder.allOf(pid));
                if (seen.namespaces.size() == NamespaceType.values().length) {
                    known.put(pid, seen); // else it is about to end
                }
            }
            return seen.namespaces;
        }
    }
}

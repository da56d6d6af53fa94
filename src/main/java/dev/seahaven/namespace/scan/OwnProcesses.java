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

    private record Known(
            long startTicks,
            Map<NamespaceType, NamespaceLink> namespaces,
            Map<NamespaceType, Relations> relations) {}

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
                    : Optional.ofNullable(known(pid, startTicks).namespaces.get(type));
        }

        /** What was found out to be above one that they are in, and so holds still. */
        Optional<Relations> relations(HostNamespace namespace) {
            return whoIsIn(namespace)
                    .flatMap(each -> Optional.ofNullable(each.relations.get(namespace.type())));
        }

        /** Keeps it for as long as one lives that is in it, where nothing of it is unknown. */
        void remember(HostNamespace namespace, Relations relations) {
            boolean isKnown =
                    relations.creatorUid() != null
                            && (relations.parent() != null || !namespace.type().hasParent());
            if (isKnown) {
                whoIsIn(namespace)
                        .ifPresent(each -> each.relations.put(namespace.type(), relations));
            }
        }

        private Optional<Known> whoIsIn(HostNamespace namespace) {
            NamespaceLink link = new NamespaceLink(namespace.type(), namespace.id());
            for (Source source : namespace.sources()) {
                if (!(source instanceof Source.Link(int pid, _))) {
                    continue;
                }
                Long startTicks = own.get(pid);
                Known each = startTicks == null ? null : known(pid, startTicks);
                if (each != null && link.equals(each.namespaces.get(link.type()))) {
                    return Optional.of(each);
                }
            }
            return Optional.empty();
        }

        private Known known(int pid, long startTicks) {
            Known seen = known.get(pid);
            if (seen == null || seen.startTicks != startTicks) {
                seen = new Known(startTicks, finder.allOf(pid), new ConcurrentHashMap<>());
                if (seen.namespaces.size() == NamespaceType.values().length) {
                    known.put(pid, seen); // else it is about to end
                }
            }
            return seen;
        }
    }
}

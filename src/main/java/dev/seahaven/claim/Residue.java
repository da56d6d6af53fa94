package dev.seahaven.claim;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/** What could not be given back yet: a process that cannot be killed holds it, for example. */
public final class Residue {

    /**
     * @param kind as the field calls it, such as {@code cgroup}
     * @param name where it is
     * @param proof why it is the daemon's own
     * @param problem why it is still there
     */
    public record Item(String kind, String name, String proof, String problem) {

        /** What no other item has. */
        public String key() {
            return kind + " " + name;
        }
    }

    private record Left(Item item, Runnable removal) {}

    private final Map<String, Left> left = new ConcurrentSkipListMap<>();

    /**
     * Removes something, or keeps it in mind.
     *
     * @return what stays of it
     */
    public Optional<Item> remove(String kind, String name, String proof, Runnable removal) {
        try {
            removal.run();
            left.remove(kind + " " + name);
            return Optional.empty();
        } catch (RuntimeException e) {
            Item item = new Item(kind, name, proof, String.valueOf(e.getMessage()));
            left.put(item.key(), new Left(item, removal));
            return Optional.of(item);
        }
    }

    /** By kind and name. */
    public List<Item> items() {
        return left.values().stream().map(Left::item).toList();
    }

    /** Tries to remove each again; what remains stays in mind. */
    public void removeAll() {
        left.values()
                .forEach(
                        each ->
                                remove(
                                        each.item.kind,
                                        each.item.name,
                                        each.item.proof,
                                        each.removal));
    }
}

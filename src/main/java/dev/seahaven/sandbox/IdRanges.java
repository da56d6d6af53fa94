package dev.seahaven.sandbox;

import dev.seahaven.web.Problem;
import dev.seahaven.web.ProblemType;

import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;

/**
 * Gives each sandbox 65,536 ids of its own on the host, the lowest that are free. Ranges that
 * belong to users of the host, or that they may map themselves, are never given.
 */
final class IdRanges {

    private final long first;
    private final int count;
    private final BitSet taken = new BitSet();
    private final BitSet foreign = new BitSet();

    /**
     * @param first lowest id
     * @param foreign what belongs to others
     */
    IdRanges(long first, List<IdMapping> foreign) {
        this.first = first;
        this.count = (int) ((IdMapping.ID_COUNT - first) / IdMapping.RANGE);
        for (IdMapping range : foreign) {
            mark(this.foreign, range);
        }
    }

    private void mark(BitSet set, IdMapping range) {
        long last = range.outside() + range.length() - 1;
        if (last >= first) {
            set.set(index(Math.max(range.outside(), first)), index(last) + 1);
        }
    }

    private int index(long id) {
        return (int) Math.min((id - first) / IdMapping.RANGE, count);
    }

    /**
     * The ids of {@code /etc/passwd}, {@code /etc/group}, {@code /etc/subuid} and {@code
     * /etc/subgid}.
     *
     * @param accounts the first two
     * @param subordinate lines of the others (subuid(5)): {@code name:first:count}
     */
    static List<IdMapping> foreign(Accounts accounts, Stream<String> subordinate) {
        Stream<IdMapping> ids =
                Stream.concat(
                                accounts.users().stream()
                                        .flatMap(user -> Stream.of(user.uid(), user.gid())),
                                accounts.groups().stream().map(Accounts.Group::gid))
                        .map(id -> new IdMapping(0, id, 1));
        Stream<IdMapping> ranges =
                subordinate
                        .map(line -> line.split(":"))
                        .filter(field -> field.length == 3)
                        .filter(field -> field[1].matches("\\d{1,10}"))
                        .filter(field -> field[2].matches("[1-9]\\d{0,9}"))
                        .map(
                                field ->
                                        new IdMapping(
                                                0,
                                                Long.parseLong(field[1]),
                                                Long.parseLong(field[2])));
        return Stream.concat(ids, ranges).toList();
    }

    /**
     * @return the first id of a range that is the caller's until it is given back
     * @throws Problem 503 when there is none
     */
    synchronized long take() {
        int free = taken.nextClearBit(0);
        while (foreign.get(free)) {
            free = taken.nextClearBit(foreign.nextClearBit(free));
        }
        if (free >= count) {
            throw new Problem(
                    ProblemType.EXHAUSTED,
                    "All " + count + " id ranges are in use; delete sandboxes.");
        }
        taken.set(free);
        return first + free * IdMapping.RANGE;
    }

    /**
     * Takes ranges that were asked for, or that a sandbox from before holds; no two sandboxes have
     * an id in common.
     *
     * @return whether they were free
     */
    synchronized boolean take(List<IdMapping> mappings) {
        BitSet wanted = indexes(mappings);
        if (taken.intersects(wanted)) {
            return false;
        }
        taken.or(wanted);
        return true;
    }

    /** Gives ranges back. */
    synchronized void giveBack(List<IdMapping> mappings) {
        taken.andNot(indexes(mappings));
    }

    private BitSet indexes(List<IdMapping> mappings) {
        BitSet indexes = new BitSet();
        mappings.forEach(mapping -> mark(indexes, mapping));
        return indexes;
    }

    /** How many are in use. */
    synchronized int inUse() {
        return taken.cardinality();
    }
}

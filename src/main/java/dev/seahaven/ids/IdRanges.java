package dev.seahaven.ids;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalLong;

/**
 * Gives each sandbox 65,536 ids of its own on the host, the lowest that are free. Ranges that
 * belong to users of the host, or that they may map themselves, are never given.
 */
public final class IdRanges {

    private final long first;
    private final int count;
    private final BitSet taken = new BitSet();
    private final BitSet foreign = new BitSet();

    /** What was asked for below the first id, where nothing is given away: as it is. */
    private final List<IdMapping> low = new ArrayList<>();

    /**
     * @param first lowest id
     * @param foreign what belongs to others
     */
    public IdRanges(long first, List<IdMapping> foreign) {
        this.first = first;
        this.count = (int) ((IdMapping.ID_COUNT - first) / IdMapping.RANGE);
        avoid(foreign);
    }

    /** What belongs to others now; ranges that were given before stay given. */
    public synchronized void avoid(List<IdMapping> others) {
        foreign.clear();
        others.forEach(range -> mark(foreign, range));
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

    /** The first id of a range that is the caller's until it is given back; empty without one. */
    public synchronized OptionalLong take() {
        int free = taken.nextClearBit(0);
        while (foreign.get(free)) {
            free = taken.nextClearBit(foreign.nextClearBit(free));
        }
        if (free >= count) {
            return OptionalLong.empty();
        }
        taken.set(free);
        return OptionalLong.of(first + free * IdMapping.RANGE);
    }

    /**
     * Takes ranges that were asked for, or that a sandbox from before holds; no two sandboxes have
     * an id in common.
     *
     * @return whether they were free
     */
    public synchronized boolean take(List<IdMapping> mappings) {
        BitSet wanted = indexes(mappings);
        List<IdMapping> below = below(mappings);
        if (taken.intersects(wanted)
                || below.stream().anyMatch(one -> low.stream().anyMatch(one::sharesOutside))) {
            return false;
        }
        taken.or(wanted);
        low.addAll(below);
        return true;
    }

    /** Gives ranges back. */
    public synchronized void giveBack(List<IdMapping> mappings) {
        taken.andNot(indexes(mappings));
        below(mappings).forEach(low::remove);
    }

    private List<IdMapping> below(List<IdMapping> mappings) {
        return mappings.stream()
                .filter(mapping -> mapping.outside() < first)
                .map(
                        mapping ->
                                new IdMapping(
                                        mapping.inside(),
                                        mapping.outside(),
                                        Math.min(mapping.length(), first - mapping.outside())))
                .toList();
    }

    private BitSet indexes(List<IdMapping> mappings) {
        BitSet indexes = new BitSet();
        mappings.forEach(mapping -> mark(indexes, mapping));
        return indexes;
    }

    /** How many are in use. */
    public synchronized int inUse() {
        return taken.cardinality();
    }
}

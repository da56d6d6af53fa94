package dev.seahaven.ids;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Gives each sandbox 65,536 ids of its own on the host, the lowest that are free. Ranges that
 * belong to users of the host, or that they may map themselves, are never given.
 *
 * <p>A range that is given back rests: its user namespace may live on, for others share it, or a
 * name or a descriptor holds it. The kernel is asked, for many at once, which of those that rest
 * are mapped no more.
 */
public final class IdRanges {

    private static final int RESTING_MAX = 8192;

    /** A file system of somebody else's that does not answer must not keep everybody waiting. */
    private static final int FIRST_SECONDS = 30;

    private final long first;
    private final int count;
    private final BitSet taken = new BitSet();
    private final BitSet resting = new BitSet();
    private final BitSet foreign = new BitSet();

    /** What was asked for below the first id, where nothing is given away: as it is. */
    private final List<IdMapping> low = new ArrayList<>();

    private final List<IdMapping> lowResting = new ArrayList<>();
    private @Nullable Supplier<Optional<List<IdMapping>>> kernel;
    private volatile CompletableFuture<Void> begun = CompletableFuture.completedFuture(null);
    private CompletableFuture<Void> asking = CompletableFuture.completedFuture(null);

    /**
     * @param first lowest id
     * @param foreign what belongs to others
     */
    public IdRanges(long first, List<IdMapping> foreign) {
        this.first = first;
        this.count = (int) ((IdMapping.ID_COUNT - first) / IdMapping.RANGE);
        avoid(foreign);
    }

    /**
     * From now on the kernel can be asked. What is mapped already, and nobody has taken, rests; no
     * range is given before that is known, or half a minute is over.
     *
     * @param mapped what the user namespaces of the host map; empty where that cannot be told
     */
    public synchronized void ask(Supplier<Optional<List<IdMapping>>> mapped) {
        kernel = mapped;
        begun =
                start(() -> mapped.get().ifPresent(this::restAll))
                        .completeOnTimeout(null, FIRST_SECONDS, TimeUnit.SECONDS);
    }

    private static CompletableFuture<Void> start(Runnable work) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofPlatform()
                .name("seahaven-ids")
                .daemon()
                .start(
                        () -> {
                            try {
                                work.run();
                            } finally {
                                done.complete(null);
                            }
                        });
        return done;
    }

    private synchronized void restAll(List<IdMapping> mapped) {
        BitSet others = indexes(mapped);
        others.andNot(taken);
        resting.or(others);
        below(mapped).stream().filter(one -> !sharesAny(one, low)).forEach(lowResting::add);
    }

    /** What belongs to others now; ranges that were given before stay given. */
    public synchronized void avoid(List<IdMapping> others) {
        foreign.clear();
        others.forEach(range -> mark(foreign, range));
    }

    /** Whether an id of the host is of a range that sandboxes are given, now or before. */
    public synchronized boolean mayGive(long id) {
        return id >= first && !foreign.get(index(id));
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
    public OptionalLong take() {
        begun.join();
        OptionalLong free = takeFree();
        if (free.isEmpty()) {
            askNow();
            return takeFree();
        }
        return free;
    }

    private synchronized OptionalLong takeFree() {
        BitSet used = new BitSet();
        used.or(taken);
        used.or(resting);
        used.or(foreign);
        int free = used.nextClearBit(0);
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
    public boolean take(List<IdMapping> mappings) {
        begun.join();
        if (takeFree(mappings)) {
            return true;
        }
        askNow();
        return takeFree(mappings);
    }

    private synchronized boolean takeFree(List<IdMapping> mappings) {
        BitSet wanted = indexes(mappings);
        List<IdMapping> below = below(mappings);
        if (taken.intersects(wanted)
                || resting.intersects(wanted)
                || below.stream().anyMatch(one -> sharesAny(one, low))
                || below.stream().anyMatch(one -> sharesAny(one, lowResting))) {
            return false;
        }
        taken.or(wanted);
        low.addAll(below);
        return true;
    }

    private static boolean sharesAny(IdMapping one, List<IdMapping> others) {
        return others.stream().anyMatch(one::sharesOutside);
    }

    /** Gives ranges back. */
    public synchronized void giveBack(List<IdMapping> mappings) {
        BitSet back = indexes(mappings);
        taken.andNot(back);
        resting.or(back);
        for (IdMapping each : below(mappings)) {
            if (low.remove(each)) {
                lowResting.add(each);
            }
        }
        if (resting.cardinality() > RESTING_MAX && asking.isDone()) {
            asking = start(this::askNow);
        }
    }

    /** Frees what rests and is mapped no more. Where the kernel does not tell, all rests on. */
    private void askNow() {
        Supplier<Optional<List<IdMapping>>> mapped;
        BitSet asked;
        List<IdMapping> askedLow;
        synchronized (this) {
            mapped = kernel;
            asked = (BitSet) resting.clone();
            askedLow = List.copyOf(lowResting);
        }
        if (mapped == null || (asked.isEmpty() && askedLow.isEmpty())) {
            return;
        }
        mapped.get().ifPresent(live -> free(asked, askedLow, live));
    }

    private synchronized void free(BitSet asked, List<IdMapping> askedLow, List<IdMapping> live) {
        asked.andNot(indexes(live));
        resting.andNot(asked);
        List<IdMapping> below = below(live);
        askedLow.stream().filter(one -> !sharesAny(one, below)).forEach(lowResting::remove);
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

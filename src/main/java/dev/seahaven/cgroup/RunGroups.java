package dev.seahaven.cgroup;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Groups for runs: some lie ready, and one that has been used is removed by a thread of its own.
 * Making and removing directories on three hierarchies takes longer than all else that a run does
 * with them. No group is used twice: its counters, and memory that is charged to it, are one run's.
 */
public final class RunGroups {

    private static final Logger LOG = System.getLogger(RunGroups.class.getName());
    private static final int READY = 4;
    private static final String PREFIX = "run-";

    private final Cgroups cgroups;
    private final Queue<Cgroup> ready = new ConcurrentLinkedQueue<>();
    private final Queue<Cgroup> used = new ConcurrentLinkedQueue<>();
    private final AtomicInteger count = new AtomicInteger(); // of those that are ready
    private final AtomicLong number = new AtomicLong();
    private volatile Thread worker = Thread.currentThread();
    private volatile boolean running;
    private volatile Limits likely = Limits.NONE;

    RunGroups(Cgroups cgroups) {
        this.cgroups = cgroups;
    }

    /**
     * An empty group, that is this caller's until it is given back.
     *
     * @param limits that it will be given; the next ones are prepared for the same
     */
    public Cgroup take(Limits limits) {
        likely = limits;
        start();
        Cgroup group = ready.poll();
        if (group == null) {
            return make();
        }
        count.decrementAndGet();
        return group;
    }

    /** Kills what is still in it, and removes it soon. */
    public void giveBack(Cgroup group) {
        if (!running) {
            group.remove();
            return;
        }
        used.add(group);
        LockSupport.unpark(worker);
    }

    private Cgroup make() {
        return cgroups.create(PREFIX + number.incrementAndGet());
    }

    private void start() {
        if (running) {
            return;
        }
        synchronized (this) {
            if (!running) {
                running = true;
                worker = Thread.ofPlatform().name("seahaven-groups").daemon().start(this::work);
            }
        }
    }

    private void work() {
        while (running) {
            try {
                if (!step()) {
                    LockSupport.park();
                }
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "the group of a run cannot be made or removed", e);
                LockSupport.parkNanos(100_000_000);
            }
        }
    }

    /** Whether there was anything to do. */
    private boolean step() {
        Cgroup old = used.poll();
        if (old != null) {
            try {
                old.remove();
            } catch (RuntimeException e) {
                used.add(old);
                throw e;
            }
        }
        if (count.get() < READY) {
            Cgroup made = make();
            try {
                made.prepare(likely);
            } catch (RuntimeException e) {
                used.add(made);
                throw e;
            }
            ready.add(made);
            count.incrementAndGet();
            return true;
        }
        return old != null;
    }

    /** Removes all that lie ready or wait for their removal. */
    void close() {
        if (!running) {
            return;
        }
        running = false;
        LockSupport.unpark(worker);
        try {
            worker.join(10_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (Queue<Cgroup> each : List.of(ready, used)) {
            for (Cgroup group = each.poll(); group != null; group = each.poll()) {
                group.remove();
            }
        }
        count.set(0);
    }
}

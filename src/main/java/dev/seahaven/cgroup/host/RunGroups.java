package dev.seahaven.cgroup.host;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Limits;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/**
 * Groups for runs: some lie ready, and one that has been used is removed by a thread of its own.
 * Making and removing directories on three hierarchies takes longer than all else that a run does
 * with them. No group is used twice: its counters, and memory that is charged to it, are one run's.
 */
public final class RunGroups {

    private static final Logger LOG = System.getLogger(RunGroups.class.getName());
    private static final int READY = 4;
    private static final String PREFIX = "run-";

    private final Function<String, Cgroup> create;
    private final Queue<Cgroup> ready = new ConcurrentLinkedQueue<>();
    private final BlockingQueue<Cgroup> used = new LinkedBlockingQueue<>();
    private final AtomicLong number = new AtomicLong();
    private volatile @Nullable Thread worker;
    private volatile Limits likely = Limits.NONE;

    /**
     * @param create makes a group of this name
     */
    RunGroups(Function<String, Cgroup> create) {
        this.create = create;
    }

    /**
     * An empty group, that is this caller's until it is given back.
     *
     * @param limits that it will be given; the next ones are prepared for the same
     */
    public Cgroup take(Limits limits) {
        likely = limits;
        if (worker == null) {
            start();
        }
        Cgroup group = ready.poll();
        return group == null ? make() : group;
    }

    /** Kills what is still in it, and removes it soon. */
    public void giveBack(Cgroup group) {
        if (worker == null) {
            group.remove();
        } else {
            used.add(group);
        }
    }

    /** One of a daemon before this may still be on its way out. */
    private Cgroup make() {
        while (true) {
            try {
                return create.apply(PREFIX + number.incrementAndGet());
            } catch (SyscallException e) {
                if (e.errno() != Errno.EEXIST) {
                    throw e;
                }
            }
        }
    }

    private synchronized void start() {
        if (worker == null) {
            worker = Thread.ofPlatform().name("seahaven-groups").daemon().start(this::work);
        }
    }

    private void work() {
        while (!Thread.currentThread().isInterrupted()) {
            try {
                fill();
                remove(used.take());
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "the group of a run cannot be made or removed", e);
                LockSupport.parkNanos(100_000_000);
            }
        }
    }

    private void fill() {
        while (ready.size() < READY) {
            Limits wanted = likely;
            Cgroup made = make();
            try {
                made.prepare(wanted);
                ready.add(made);
            } catch (RuntimeException e) {
                used.add(made);
                if (wanted.equals(Limits.NONE)) {
                    throw e;
                }
                likely = Limits.NONE; // who asked for limits that cannot be set is told so
            }
        }
    }

    private void remove(Cgroup group) {
        try {
            group.remove();
        } catch (RuntimeException e) {
            used.add(group);
            throw e;
        }
    }

    /** Removes all that lie ready or wait for their removal. */
    void close() {
        Thread working = worker;
        if (working == null) {
            return;
        }
        worker = null;
        working.interrupt();
        try {
            working.join(10_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (Queue<Cgroup> each : List.of(ready, used)) {
            for (Cgroup group = each.poll(); group != null; group = each.poll()) {
                group.remove();
            }
        }
    }
}

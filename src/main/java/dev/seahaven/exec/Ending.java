package dev.seahaven.exec;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.locks.LockSupport;

/**
 * Ends what somebody waits for. Its processes may enter their group at any moment, so the group is
 * killed until all is over.
 */
final class Ending {

    private static final Logger LOG = System.getLogger(Ending.class.getName());
    private static final long PAUSE_NANOS = 10_000_000;

    private @Nullable Cgroup cgroup;
    private boolean ended;
    private volatile boolean over;

    synchronized void isIn(Cgroup group) {
        cgroup = group;
    }

    /** Its group may be removed from now on. */
    synchronized void hasLeft() {
        cgroup = null;
    }

    /** Nothing is left of it. */
    void isOver() {
        over = true;
    }

    synchronized boolean wasEnded() {
        return ended;
    }

    void end() {
        synchronized (this) {
            if (ended) {
                return;
            }
            ended = true;
        }
        Thread.startVirtualThread(
                () -> {
                    while (!over) {
                        kill();
                        LockSupport.parkNanos(PAUSE_NANOS);
                    }
                });
    }

    private synchronized void kill() {
        if (cgroup == null) {
            return;
        }
        try {
            cgroup.kill();
        } catch (SyscallException e) {
            if (!Cgroup.isGone(e)) {
                LOG.log(Level.WARNING, "a program cannot be killed yet: {0}", e.getMessage());
            }
        }
    }
}

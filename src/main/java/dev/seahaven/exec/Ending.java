package dev.seahaven.exec;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.ProcessGroup;
import dev.seahaven.sandbox.life.Exit;
import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Ends what somebody waits for. Its processes may enter their group at any moment, so the group is
 * killed until all is over.
 */
final class Ending {

    private static final Logger LOG = System.getLogger(Ending.class.getName());
    private static final long PAUSE_NANOS = 10_000_000;

    private @Nullable ProcessGroup group;
    private Exit.@Nullable Reason why;
    private volatile boolean over;

    synchronized void isIn(ProcessGroup of) {
        group = of;
    }

    /** Its group may be removed from now on. */
    synchronized void hasLeft() {
        group = null;
    }

    /** Nothing is left of it. */
    void isOver() {
        over = true;
    }

    /** Those that are in the group now. */
    synchronized List<Integer> processes() {
        try {
            return group == null ? List.of() : group.processes();
        } catch (SyscallException e) {
            return List.of(); // it is about to be removed
        }
    }

    /** Why it was ended; null where it was not. */
    synchronized Exit.@Nullable Reason why() {
        return why;
    }

    synchronized boolean wasEnded() {
        return why != null;
    }

    void end() {
        end(Exit.Reason.STOPPED);
    }

    void end(Exit.Reason reason) {
        synchronized (this) {
            if (why != null) {
                return;
            }
            why = reason;
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
        if (group == null) {
            return;
        }
        try {
            group.kill();
        } catch (SyscallException e) {
            if (!Cgroup.isGone(e)) {
                LOG.log(Level.WARNING, "a program cannot be killed yet: {0}", e.getMessage());
            }
        }
    }
}

package dev.seahaven.launcher;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.SocketCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * The one thread that waits for all monitors. A virtual thread that waits in a system call keeps
 * its carrier, of which there are as many as processors; here none waits.
 */
final class ReportLoop implements AutoCloseable {

    private static final Logger LOG = System.getLogger(ReportLoop.class.getName());
    private static final int BATCH = 64;
    private static final byte[] KEEP = {1};

    private final Syscalls syscalls;
    private final Fd epoll;
    private final Map<Long, Watched> watched = new ConcurrentHashMap<>();
    private final AtomicLong keys = new AtomicLong();
    private final Fd[] wake;
    private final Thread thread;

    interface Watched {
        void ready();
    }

    ReportLoop(Syscalls syscalls) {
        this.syscalls = syscalls;
        this.epoll = syscalls.epollCreate1();
        this.wake = syscalls.socketpair();
        syscalls.epollAdd(epoll, wake[0], -1);
        this.thread = Thread.ofPlatform().name("seahaven-reports").daemon().unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /**
     * Reports go to {@code listener} on this loop's thread until the channel is closed or its other
     * end is.
     */
    Channel open(Fd socket, Consumer<Report> listener) {
        long key = keys.incrementAndGet();
        Channel channel = new Channel(key, socket, listener);
        watched.put(key, channel);
        try {
            syscalls.epollAdd(epoll, socket, key);
        } catch (SyscallException e) {
            watched.remove(key);
            throw e;
        }
        return channel;
    }

    /**
     * Calls {@code ended}, on this loop's thread, when the process has ended; it stays the caller's
     * to close.
     */
    void watch(PidFd pidfd, Runnable ended) {
        long key = keys.incrementAndGet();
        watched.put(
                key,
                () -> {
                    watched.remove(key);
                    syscalls.epollDelete(epoll, pidfd);
                    ended.run();
                });
        syscalls.epollAdd(epoll, pidfd, key);
    }

    private void run() {
        while (true) {
            for (long key : syscalls.epollWait(epoll, BATCH)) {
                if (key < 0) {
                    return;
                }
                Watched ready = watched.get(key);
                try {
                    if (ready != null) {
                        ready.ready();
                    }
                } catch (RuntimeException e) {
                    LOG.log(Level.ERROR, "a report could not be handled", e);
                }
            }
        }
    }

    @Override
    public void close() {
        wake[1].close();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        wake[0].close();
        epoll.close();
    }

    /** One monitor's socket. Closing it tells the monitor that nobody listens, which ends a run. */
    final class Channel implements Watched, Launch {

        private final long key;
        private final Fd socket;
        private final Consumer<Report> listener;
        private boolean closed;
        private boolean heard;
        private boolean reset;

        private Channel(long key, Fd socket, Consumer<Report> listener) {
            this.key = key;
            this.socket = socket;
            this.listener = listener;
        }

        @Override
        public void ready() {
            Report report = receive();
            if (report != null) {
                listener.accept(report);
            }
        }

        private synchronized @Nullable Report receive() {
            if (closed) {
                return null;
            }
            byte[] bytes;
            try {
                bytes = receiveBytes();
            } catch (SyscallException e) {
                bytes = receiveAfter(e);
            }
            if (bytes.length == 0) {
                close();
                return new Report.Gone(reset && !heard);
            }
            heard = true;
            return ReportCodec.decode(bytes);
        }

        private byte[] receiveBytes() {
            SocketCalls.Message message = syscalls.recvmsg(socket, ReportCodec.REPORT_MAX);
            message.fds().forEach(Fd::close);
            return message.bytes();
        }

        /**
         * ECONNRESET, told once: it ended with something unread. What it had said before is still
         * there.
         */
        private byte[] receiveAfter(SyscallException failure) {
            reset = failure.errno() == Errno.ECONNRESET;
            try {
                return receiveBytes();
            } catch (SyscallException e) {
                LOG.log(Level.WARNING, "a monitor cannot be heard", failure);
                return new byte[0];
            }
        }

        @Override
        public synchronized void keep() {
            if (closed) {
                throw new MonitorLostException(false);
            }
            try {
                syscalls.sendmsg(socket, KEEP, List.of());
            } catch (SyscallException e) {
                throw switch (e.errno()) {
                    case EPIPE, ECONNRESET -> new MonitorLostException(false);
                    default -> e;
                };
            }
        }

        @Override
        public synchronized void close() {
            if (!closed) {
                closed = true;
                watched.remove(key);
                syscalls.epollDelete(epoll, socket);
                socket.close();
            }
        }
    }
}

package dev.seahaven.web;

import jakarta.servlet.http.HttpServletRequest;

import org.apache.catalina.connector.Request;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Notices that the client of a call has gone while the call waits for something: one thread reads
 * what such connections have, and puts back what is there already of the next request. A client
 * that has closed its half of the connection has gone, as most servers have it.
 */
@Component
public final class ClientWatch {

    private static final String CONNECTION = ClientWatch.class.getName();
    private static final long PERIOD_NANOS = 250_000_000;
    private static final int IDLE_PERIODS = 20;

    private final Set<Watched> watched = ConcurrentHashMap.newKeySet();
    private volatile @Nullable Thread thread;
    private volatile boolean idle;

    /** Lets a request be watched. */
    public static void mark(Request request) {
        request.setAttribute(CONNECTION, WatchedProtocol.connection(request.getCoyoteRequest()));
    }

    /**
     * Watches the client of a call until what is returned is closed. The client of one with an
     * {@code Idempotency-Key} may come back for its answer, and so never goes.
     */
    public Watched watch(HttpServletRequest request) {
        SocketWrapperBase<?> connection =
                request.getAttribute(CONNECTION) instanceof Supplier<?> known
                                && request.getHeader(IdempotencyFilter.KEY) == null
                        ? (SocketWrapperBase<?>) known.get()
                        : null;
        Watched one = new Watched(connection);
        if (connection != null) {
            watched.add(one);
            wake();
        }
        return one;
    }

    private void wake() {
        Thread watcher = thread;
        if (watcher == null) {
            start();
        } else if (idle) {
            LockSupport.unpark(watcher);
        }
    }

    private synchronized void start() {
        if (thread == null) {
            thread = Thread.ofPlatform().name("seahaven-clients").daemon().start(this::run);
        }
    }

    private void run() {
        int quiet = 0;
        while (true) {
            quiet = watched.isEmpty() ? quiet + 1 : 0;
            if (quiet < IDLE_PERIODS) {
                LockSupport.parkNanos(PERIOD_NANOS);
            } else {
                idle = true;
                if (watched.isEmpty()) {
                    LockSupport.park();
                }
                idle = false;
                quiet = 0;
            }
            watched.forEach(Watched::look);
        }
    }

    /** A call whose client is watched. */
    public final class Watched implements AutoCloseable {

        private final @Nullable SocketWrapperBase<?> connection;
        private final ByteBuffer next = ByteBuffer.allocate(1);
        private @Nullable Runnable action;
        private boolean gone;
        private boolean closed;

        private Watched(@Nullable SocketWrapperBase<?> connection) {
            this.connection = connection;
        }

        /** Does this when the client has gone, on a thread that must not wait. */
        public void onGone(Runnable what) {
            synchronized (this) {
                if (!gone) {
                    action = what;
                    return;
                }
            }
            what.run();
        }

        private void look() {
            Runnable due;
            synchronized (this) {
                if (closed || gone || !hasGone()) {
                    return;
                }
                gone = true;
                due = action;
            }
            watched.remove(this);
            if (due != null) {
                due.run();
            }
        }

        private boolean hasGone() {
            if (connection == null) {
                return false;
            }
            try {
                next.clear();
                int got = connection.read(false, next);
                if (got > 0) {
                    connection.unRead(next.flip());
                }
                return got < 0;
            } catch (IOException | IllegalStateException e) {
                return true;
            }
        }

        /** From now on the connection is the request's alone. */
        @Override
        public void close() {
            watched.remove(this);
            synchronized (this) {
                closed = true;
            }
        }
    }
}

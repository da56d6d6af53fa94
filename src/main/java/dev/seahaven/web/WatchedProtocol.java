package dev.seahaven.web;

import org.apache.coyote.Processor;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.coyote.http11.Http11Processor;
import org.apache.tomcat.util.net.AbstractEndpoint.Handler.SocketState;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.time.Duration;
import java.util.function.Supplier;

/** HTTP/1.1 of which each request knows its connection, for {@link ClientWatch}. */
public final class WatchedProtocol extends Http11NioProtocol {

    /** One of the places that Tomcat leaves to others (org.apache.coyote.Request). */
    private static final int NOTE = 30;

    /** How long a header may take. */
    private static final Duration HEADER = Duration.ofSeconds(30);

    /** How long a client may take nothing of an answer. */
    private static final Duration WRITE = Duration.ofSeconds(60);

    /** As the web server makes it, by its name. */
    public WatchedProtocol() {}

    public WatchedProtocol(NioEndpoint endpoint) {
        super(endpoint);
    }

    @Override
    protected Processor createProcessor() {
        return new WatchedProcessor(this);
    }

    /** The connection of a request; null where another protocol has read it. */
    @SuppressWarnings("unchecked")
    static Supplier<SocketWrapperBase<?>> connection(org.apache.coyote.Request request) {
        return (Supplier<SocketWrapperBase<?>>) request.getNote(NOTE);
    }

    private static final class WatchedProcessor extends Http11Processor {

        /** Whose header has begun; it may be closed, and this processor another's, by now. */
        private @Nullable SocketWrapperBase<?> waiting;

        private long begun;

        private WatchedProcessor(WatchedProtocol protocol) {
            super(protocol, protocol.getAdapter());
            Supplier<SocketWrapperBase<?>> connection = this::getSocketWrapper;
            request.setNote(NOTE, connection);
        }

        /**
         * A header that stops coming meets the time of the connection; this is for one that comes
         * byte by byte.
         */
        @Override
        public SocketState service(SocketWrapperBase<?> connection) throws IOException {
            connection.setWriteTimeout(WRITE.toMillis());
            boolean goesOn = connection.equals(waiting);
            if (!goesOn) {
                begun = System.nanoTime();
            }
            waiting = null;
            if (goesOn && System.nanoTime() - begun > HEADER.toNanos()) {
                return SocketState.CLOSED;
            }
            SocketState state = super.service(connection);
            if (state == SocketState.LONG && !isAsync()) {
                waiting = connection;
            }
            return state;
        }
    }
}

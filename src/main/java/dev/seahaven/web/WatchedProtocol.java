package dev.seahaven.web;

import org.apache.coyote.Processor;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.coyote.http11.Http11Processor;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SocketWrapperBase;

import java.util.function.Supplier;

/** HTTP/1.1 of which each request knows its connection, for {@link ClientWatch}. */
public final class WatchedProtocol extends Http11NioProtocol {

    /** One of the places that Tomcat leaves to others (org.apache.coyote.Request). */
    private static final int NOTE = 30;

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

        private WatchedProcessor(WatchedProtocol protocol) {
            super(protocol, protocol.getAdapter());
            Supplier<SocketWrapperBase<?>> connection = this::getSocketWrapper;
            request.setNote(NOTE, connection);
        }
    }
}

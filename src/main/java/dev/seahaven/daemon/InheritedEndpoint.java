package dev.seahaven.daemon;

import org.apache.tomcat.util.net.NioEndpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/**
 * Listens on the socket that a service manager has opened and that the next daemon will get too.
 * Tomcat's own waits in accept(2) also while it is paused, and closes the connection that comes
 * next; here it stays in the queue of the socket for the next daemon. What was accepted before is
 * answered. Nor is the socket's path removed.
 */
final class InheritedEndpoint extends NioEndpoint {

    private static final long PAUSE_MILLIS = 50;

    /** Between the last connection and the pause: for what was accepted and is not yet read. */
    private static final Duration DRAIN = Duration.ofMillis(500);

    private final Selector selector;
    private volatile boolean accepting = true;

    InheritedEndpoint() {
        try {
            selector = Selector.open();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        setUseInheritedChannel(true);
    }

    /** Of the acceptor's thread alone. */
    @Override
    protected SocketChannel serverSocketAccept() throws Exception {
        ServerSocketChannel socket = (ServerSocketChannel) System.inheritedChannel();
        if (socket.keyFor(selector) == null) {
            socket.configureBlocking(false);
            socket.register(selector, SelectionKey.OP_ACCEPT);
        }
        while (isRunning()) {
            if (!accepting) {
                Thread.sleep(PAUSE_MILLIS);
                continue;
            }
            if (selector.select(PAUSE_MILLIS) > 0) {
                selector.selectedKeys().clear();
                SocketChannel accepted = accepting ? socket.accept() : null;
                if (accepted != null) {
                    return accepted;
                }
            }
        }
        selector.close();
        throw new IOException("stopped");
    }

    /**
     * A paused endpoint closes the connection that it has just accepted or whose request it has
     * just got, so it is paused only when there is none. Clients that keep theirs are told with
     * each answer that it was the last on it.
     */
    @Override
    public void pause() {
        if (accepting) {
            accepting = false;
            setMaxKeepAliveRequests(1);
            try {
                Thread.sleep(DRAIN);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        super.pause();
    }

    /** The acceptor waits for nothing but a while. */
    @Override
    protected void unlockAccept() {}

    /** It is not ours to close. */
    @Override
    protected void doCloseServerSocket() {}
}

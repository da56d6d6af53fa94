package dev.seahaven.daemon;

import org.apache.tomcat.util.net.NioEndpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * Listens on the socket that a service manager has opened and that the next daemon will get too.
 * Tomcat's own waits in accept(2) also while it is paused, and closes the connection that comes
 * next; here it stays in the queue of the socket for the next daemon. Nor is the socket's path
 * removed.
 */
final class InheritedEndpoint extends NioEndpoint {

    private static final long PAUSE_MILLIS = 50;

    private final Selector selector;

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
            if (isPaused()) {
                Thread.sleep(PAUSE_MILLIS);
                continue;
            }
            if (selector.select(PAUSE_MILLIS) > 0) {
                selector.selectedKeys().clear();
                SocketChannel accepted = isPaused() ? null : socket.accept();
                if (accepted != null) {
                    return accepted;
                }
            }
        }
        selector.close();
        throw new IOException("stopped");
    }

    /** The acceptor waits for nothing but a while. */
    @Override
    protected void unlockAccept() {}

    /** It is not ours to close. */
    @Override
    protected void doCloseServerSocket() {}
}

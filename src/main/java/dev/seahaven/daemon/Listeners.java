package dev.seahaven.daemon;

import dev.seahaven.access.Listener;
import dev.seahaven.web.ClientWatch;
import dev.seahaven.web.ProblemValve;
import dev.seahaven.web.WatchedProtocol;

import jakarta.servlet.ServletException;

import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.AbstractProtocol;
import org.apache.tomcat.util.threads.VirtualThreadExecutor;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.Ssl;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.WebServerSslBundle;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The two listeners: TCP on loopback, and a Unix socket, which a service manager may have opened
 * before (systemd.socket(5), with {@code StandardInput=socket}).
 */
@Component
class Listeners implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {

    private static final String SOCKET_PATH = "unixDomainSocketPath";
    private static final int PORT_MAX = 65_535;

    /** As much as the kernel allows at first (net.core.somaxconn). */
    private static final String BACKLOG = "4096";

    /** Of a request that has begun, a client has to send more within this time. */
    private static final String READ_MILLIS = "20000";

    private static final String IDLE_MILLIS = "60000";

    private final Preflight preflight;
    private final Directories directories;

    Listeners(Preflight preflight, Directories directories) {
        this.preflight = preflight;
        this.directories = directories;
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        check(factory);
        preflight.check();
        Connector socket =
                directories.isSocketInherited()
                        ? new Connector(new WatchedProtocol(new InheritedEndpoint()))
                        : new Connector(new WatchedProtocol());
        socket.setProperty(SOCKET_PATH, directories.socket().toString());
        socket.setProperty("unixDomainSocketPathPermissions", "rw-rw----");
        socket.setProperty("unixDomainSocketParentOwner", user());
        listen(socket);
        // Boot gives virtual threads to the first connector only.
        ((AbstractProtocol<?>) socket.getProtocolHandler())
                .setExecutor(new VirtualThreadExecutor("seahaven-unix-"));
        factory.addAdditionalConnectors(socket);
        factory.setProtocol(WatchedProtocol.class.getName());
        factory.addConnectorCustomizers(Listeners::listen);
        // In the temporary directory each daemon that is killed would leave one.
        Path web = directories.web();
        factory.setBaseDirectory(web.toFile());
        factory.setDocumentRoot(web.resolve("empty").toFile());
        factory.addEngineValves(new ListenerValve());
        factory.addContextCustomizers(
                context -> {
                    if (context.getParent() instanceof StandardHost host) {
                        host.setErrorReportValveClass(ProblemValve.class.getName());
                    }
                });
    }

    private static void listen(Connector connector) {
        connector.setProperty("maxKeepAliveRequests", "-1");
        connector.setProperty("acceptCount", BACKLOG);
        connector.setProperty("connectionTimeout", READ_MILLIS);
        connector.setProperty("keepAliveTimeout", IDLE_MILLIS);
        // Names in paths are bytes, which PathNames decodes; only the query is text.
        connector.setURIEncoding(StandardCharsets.ISO_8859_1.name());
        connector.setUseBodyEncodingForURI(true);
        connector.setEncodedReverseSolidusHandling("passthrough");
    }

    private static void check(TomcatServletWebServerFactory factory) {
        InetAddress address = factory.getAddress();
        if (factory.getPort() > PORT_MAX) {
            throw new CannotStartException(
                    "there is no port " + factory.getPort(),
                    "Set server.port to one from 1 to " + PORT_MAX + ", or to 0 for any.");
        }
        if (Ssl.isEnabled(factory.getSsl())) {
            checkTls(factory);
        } else if (address == null || !address.isLoopbackAddress()) {
            throw new CannotStartException(
                    "seahaven does not listen on "
                            + (address == null ? "every address" : address)
                            + " without TLS: it is root's own interface",
                    "Set server.address to 127.0.0.1, or configure TLS (server.ssl).");
        }
    }

    private static void checkTls(TomcatServletWebServerFactory factory) {
        try {
            WebServerSslBundle.get(factory.getSsl(), factory.getSslBundles())
                    .getStores()
                    .getKeyStore();
        } catch (RuntimeException e) {
            throw new CannotStartException(
                    "TLS cannot be set up: " + NestedExceptionUtils.getMostSpecificCause(e),
                    "Set server.ssl.certificate and server.ssl.certificate-private-key, or"
                            + " server.ssl.key-store, to files that are there.",
                    e);
        }
    }

    /** The name of the daemon's user as Tomcat compares it: a number where it has none. */
    private static String user() {
        try {
            return Files.getOwner(Path.of("/proc/self")).getName();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @EventListener(WebServerInitializedEvent.class)
    void started() {
        directories.giveSocket();
    }

    /** Tells by which connector a request came. */
    private static final class ListenerValve extends ValveBase {

        private ListenerValve() {
            super(true);
        }

        @Override
        public void invoke(Request request, Response response)
                throws IOException, ServletException {
            boolean unix = request.getConnector().getProperty(SOCKET_PATH) != null;
            request.setAttribute(Listener.attribute(), unix ? Listener.UNIX : Listener.TCP);
            ClientWatch.mark(request);
            getNext().invoke(request, response);
        }
    }
}

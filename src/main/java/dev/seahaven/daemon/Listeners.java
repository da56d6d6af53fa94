package dev.seahaven.daemon;

import dev.seahaven.access.Listener;
import dev.seahaven.web.ProblemValve;

import jakarta.servlet.ServletException;

import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.tomcat.util.threads.VirtualThreadExecutor;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.net.InetAddress;

/**
 * The two listeners: TCP on loopback, and a Unix socket, which a service manager may have opened
 * before (systemd.socket(5), with {@code StandardInput=socket}).
 */
@Component
class Listeners implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {

    private static final String SOCKET_PATH = "unixDomainSocketPath";

    private final Directories directories;

    Listeners(Directories directories) {
        this.directories = directories;
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        InetAddress address = factory.getAddress();
        if ((address == null || !address.isLoopbackAddress()) && factory.getSsl() == null) {
            throw new OpenListenerException(address == null ? "every address" : address.toString());
        }
        Connector socket =
                directories.isSocketInherited()
                        ? new Connector(new Http11NioProtocol(new InheritedEndpoint()))
                        : new Connector(Http11NioProtocol.class.getName());
        socket.setProperty(SOCKET_PATH, directories.socket().toString());
        socket.setProperty("unixDomainSocketPathPermissions", "rw-rw----");
        socket.setProperty("maxKeepAliveRequests", "-1");
        // Boot gives virtual threads to the first connector only.
        ((AbstractProtocol<?>) socket.getProtocolHandler())
                .setExecutor(new VirtualThreadExecutor("seahaven-unix-"));
        factory.addAdditionalConnectors(socket);
        factory.addConnectorCustomizers(
                connector -> connector.setProperty("maxKeepAliveRequests", "-1"));
        factory.addEngineValves(new ListenerValve());
        factory.addContextCustomizers(
                context -> {
                    if (context.getParent() instanceof StandardHost host) {
                        host.setErrorReportValveClass(ProblemValve.class.getName());
                    }
                });
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
            getNext().invoke(request, response);
        }
    }
}

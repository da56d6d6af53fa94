package dev.seahaven.access;

import jakarta.servlet.http.HttpServletRequest;

/**
 * By which listener a request came. The web server sets it from the connector; the address cannot
 * tell, because it is 127.0.0.1 on the Unix socket too.
 */
public enum Listener {
    UNIX,
    TCP;

    private static final String ATTRIBUTE = Listener.class.getName();

    /** The name of the request attribute that carries it. */
    public static String attribute() {
        return ATTRIBUTE;
    }

    /** TCP, with its checks, where nothing was set. */
    static Listener of(HttpServletRequest request) {
        return request.getAttribute(ATTRIBUTE) == UNIX ? UNIX : TCP;
    }
}

package dev.seahaven.daemon;

/** TCP on an address that others can reach, without TLS. */
final class OpenListenerException extends RuntimeException {

    OpenListenerException(String address) {
        super(
                "seahaven does not listen on "
                        + address
                        + " without TLS: it is root's own interface");
    }
}

package dev.seahaven.ids;

/** A user or group was named that a root does not have. */
public final class UnknownAccountException extends RuntimeException {

    public UnknownAccountException(String what) {
        super(what);
    }
}

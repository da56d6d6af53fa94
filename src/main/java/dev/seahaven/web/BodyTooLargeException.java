package dev.seahaven.web;

import java.io.IOException;

/** A body that is larger than allowed, noticed while it is read. */
final class BodyTooLargeException extends IOException {

    BodyTooLargeException(long most) {
        super("The body is larger than " + most + " bytes; send less.");
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}

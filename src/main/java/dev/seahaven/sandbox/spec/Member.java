package dev.seahaven.sandbox.spec;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/** Where a sandbox has one of its namespaces from. */
public sealed interface Member {

    /** A new one. */
    record New() implements Member {}

    /** The host's. */
    record Host() implements Member {}

    /** Another sandbox's, resolved at each start. */
    record OfSandbox(String reference) implements Member {}

    /** One by number or name, resolved at each start. */
    record OfNamespace(String reference) implements Member {}

    /**
     * Reads the form of the API.
     *
     * @throws IllegalArgumentException when it is none
     */
    @JsonCreator
    static Member parse(String text) {
        if (text.equals("new")) {
            return new New();
        }
        if (text.equals("host")) {
            return new Host();
        }
        if (text.startsWith("sandbox:") && text.length() > "sandbox:".length()) {
            return new OfSandbox(text.substring("sandbox:".length()));
        }
        if (text.startsWith("namespace:") && text.length() > "namespace:".length()) {
            return new OfNamespace(text.substring("namespace:".length()));
        }
        throw new IllegalArgumentException(
                "must be \"new\", \"host\", \"sandbox:NAME\" or \"namespace:NAME\"");
    }

    /** The form of the API. */
    @JsonValue
    default String text() {
        return switch (this) {
            case New ignored -> "new";
            case Host ignored -> "host";
            case OfSandbox of -> "sandbox:" + of.reference();
            case OfNamespace of -> "namespace:" + of.reference();
        };
    }
}

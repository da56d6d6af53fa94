package dev.seahaven.problem;

import dev.seahaven.text.Digits;

import java.util.Locale;
import java.util.Set;

/** The rule for names, the same for everything that has one. */
public final class Names {

    /** As a regular expression. */
    public static final String FORM = "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}";

    /** Parts of paths beside names: {@code /namespaces/graph}. */
    private static final Set<String> RESERVED = Set.of("graph", "stats");

    private Names() {}

    /** Adds what is wrong with the member {@code name} of a request. */
    public static void check(String name, Violations violations) {
        if (violations.require(
                name.matches(FORM),
                "name",
                "must be 1 to 63 letters, digits, '-', '_' and '.', beginning with a letter or"
                        + " digit")) {
            violations.require(
                    !Digits.areAll(name), "name", "must not be of digits only; add a letter");
            violations.require(
                    !RESERVED.contains(name),
                    "name",
                    "is reserved; choose another, as " + name + "-1");
        }
    }

    /**
     * The host name that follows from a name: in lower case, with {@code -} for every character
     * that a host name cannot have, at most 64 bytes (sethostname(2)).
     */
    public static String hostname(String name) {
        StringBuilder host = new StringBuilder(name.length());
        name.toLowerCase(Locale.ROOT)
                .chars()
                .forEach(c -> host.append(isHostCharacter(c) ? (char) c : '-'));
        return host.toString();
    }

    private static boolean isHostCharacter(int c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }
}

package dev.seahaven.web;

/** The rule for names, the same for everything that has one. */
public final class Names {

    /** As a regular expression. */
    public static final String FORM = "[a-z0-9]([-_.a-z0-9]{0,61}[a-z0-9])?";

    private Names() {}

    /** Adds what is wrong with the member {@code name} of a request. */
    public static void check(String name, Violations violations) {
        if (violations.require(
                name.matches(FORM),
                "name",
                "must be 1 to 63 of a-z, 0-9, '-', '_' and '.', beginning and ending with a letter"
                        + " or digit")) {
            violations.require(
                    !name.chars().allMatch(Character::isDigit),
                    "name",
                    "must not be of digits only; add a letter");
        }
    }
}

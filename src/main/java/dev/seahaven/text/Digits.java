package dev.seahaven.text;

import java.util.OptionalLong;

/**
 * Numbers in text: ASCII digits alone, for others (such as {@code ٣}) are letters to the kernel.
 */
public final class Digits {

    private Digits() {}

    /** Whether it is nothing but digits, and at least one. */
    public static boolean areAll(String text) {
        return !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    /** The number that it is; empty where it is none, or larger than a long can be. */
    public static OptionalLong number(String text) {
        try {
            return areAll(text) ? OptionalLong.of(Long.parseLong(text)) : OptionalLong.empty();
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }
}

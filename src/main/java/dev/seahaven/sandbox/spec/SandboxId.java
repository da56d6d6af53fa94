package dev.seahaven.sandbox.spec;

import com.fasterxml.jackson.annotation.JsonValue;

import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/** The id of a sandbox: twelve random characters of {@code [a-z2-7]}. */
public record SandboxId(@JsonValue String value) {

    private static final String ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
    private static final int LENGTH = 12;
    private static final Pattern FORM = Pattern.compile("[a-z2-7]{" + LENGTH + "}");

    public SandboxId {
        if (!isId(value)) {
            throw new IllegalArgumentException("not the id of a sandbox: " + value);
        }
    }

    public static boolean isId(String text) {
        return FORM.matcher(text).matches();
    }

    /** An id is no secret, so a fast source of randomness will do. */
    public static SandboxId random() {
        StringBuilder id = new StringBuilder(LENGTH);
        for (int i = 0; i < LENGTH; i++) {
            id.append(ALPHABET.charAt(ThreadLocalRandom.current().nextInt(ALPHABET.length())));
        }
        return new SandboxId(id.toString());
    }

    @Override
    public String toString() {
        return value;
    }
}

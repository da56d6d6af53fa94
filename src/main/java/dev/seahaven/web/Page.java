package dev.seahaven.web;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.Violations;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.zip.CRC32C;

/**
 * A part of a list.
 *
 * @param next what to give as {@code after} for the next part; null at the end
 * @param total how many items there are in all parts
 */
public record Page<T>(List<T> items, @Nullable String next, int total) {

    /** How many items a page has unless told otherwise, and at the most. */
    public static final String DEFAULT_LIMIT = "100";

    private static final int LIMIT_MAX = 1000;

    /** At the end of a cursor, so that what is none is known. */
    private static final int CHECKSUM_LENGTH = 8;

    /**
     * Cuts a page out of all items.
     *
     * @param key gives the place of an item in the order; unique, and never changes
     * @throws Problem when limit or cursor is wrong
     */
    public static <T> Page<T> of(
            List<T> all, Function<T, String> key, int limit, @Nullable String after) {
        Violations violations = new Violations();
        violations.require(
                limit >= 1 && limit <= LIMIT_MAX, "limit", "must be from 1 to " + LIMIT_MAX);
        String start = after == null ? "" : decode(after, violations);
        violations.throwIfAny();
        List<T> rest =
                all.stream()
                        .filter(item -> key.apply(item).compareTo(start) > 0)
                        .sorted(Comparator.comparing(key))
                        .limit(limit + 1L)
                        .toList();
        if (rest.size() <= limit) {
            return new Page<>(rest, null, all.size());
        }
        List<T> items = rest.subList(0, limit);
        return new Page<>(List.copyOf(items), encode(key.apply(items.getLast())), all.size());
    }

    /** The same part with other items in place of these. */
    public <R> Page<R> map(Function<T, R> with) {
        return new Page<>(items.stream().map(with).toList(), next, total);
    }

    private static String checksum(byte[] bytes) {
        CRC32C sum = new CRC32C();
        sum.update(bytes);
        return "%08x".formatted(sum.getValue());
    }

    private static String encode(String key) {
        byte[] bytes = KernelText.encode(key);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes) + checksum(bytes);
    }

    private static String decode(String cursor, Violations violations) {
        int end = cursor.length() - CHECKSUM_LENGTH;
        try {
            byte[] bytes = Base64.getUrlDecoder().decode(cursor.substring(0, Math.max(end, 0)));
            if (end > 0 && cursor.endsWith(checksum(bytes))) {
                return KernelText.decode(bytes);
            }
        } catch (IllegalArgumentException e) {
            // told below, as any other string that no page gave
        }
        violations.add("after", "is no cursor; give the 'next' of the page before");
        return "";
    }
}

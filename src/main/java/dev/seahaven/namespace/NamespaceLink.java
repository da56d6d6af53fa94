package dev.seahaven.namespace;

import dev.seahaven.text.Digits;

import java.util.Optional;

/**
 * What a link below {@code /proc/PID/ns} says, such as {@code net:[4026531840]}.
 *
 * @param id the inode number, which names the namespace while it lives
 */
public record NamespaceLink(NamespaceType type, long id) {

    /** The kernel gives no namespace a lower one (include/linux/proc_ns.h). */
    public static final long FIRST_NUMBER = 0xeffffff8L;

    public static Optional<NamespaceLink> parse(String text) {
        int colon = text.indexOf(":[");
        if (colon < 0 || !text.endsWith("]") || text.length() > 40) {
            return Optional.empty();
        }
        String digits = text.substring(colon + 2, text.length() - 1);
        if (!Digits.areAll(digits)) {
            return Optional.empty();
        }
        return NamespaceType.ofKernelName(text.substring(0, colon))
                .map(type -> new NamespaceLink(type, Long.parseLong(digits)));
    }
}

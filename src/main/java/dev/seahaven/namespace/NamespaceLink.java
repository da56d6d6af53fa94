package dev.seahaven.namespace;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a link below {@code /proc/PID/ns} says, such as {@code net:[4026531840]}.
 *
 * @param id the inode number, which names the namespace while it lives
 */
public record NamespaceLink(NamespaceType type, long id) {

    private static final Pattern FORM = Pattern.compile("([a-z_]+):\\[(\\d+)]");

    public static Optional<NamespaceLink> parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        return NamespaceType.ofKernelName(matcher.group(1))
                .map(type -> new NamespaceLink(type, Long.parseLong(matcher.group(2))));
    }
}

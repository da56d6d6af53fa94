package dev.seahaven.web;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The query parameter {@code label} of lists: {@code KEY} or {@code KEY=VALUE}, all must match. */
public final class Labels {

    private Labels() {}

    /** Whether labels match every filter. A key with {@code =} is matched as it is, too. */
    public static boolean match(@Nullable List<String> filters, Map<String, String> labels) {
        return Objects.requireNonNullElse(filters, List.<String>of()).stream()
                .allMatch(filter -> labels.containsKey(filter) || hasValue(filter, labels));
    }

    private static boolean hasValue(String filter, Map<String, String> labels) {
        return labels.entrySet().stream()
                .anyMatch(label -> filter.equals(label.getKey() + "=" + label.getValue()));
    }
}

package dev.seahaven.web;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/** Entity tags (RFC 9110, 8.8.3) that follow from what a resource is. */
public final class EntityTag {

    private EntityTag() {}

    /**
     * The tag of a resource.
     *
     * @param id of the resource
     * @param content changes with everything that the tag is to change with
     */
    public static String of(Object id, @Nullable Object... content) {
        CRC32C sum = new CRC32C();
        for (Object part : content) {
            sum.update(String.valueOf(part).getBytes(StandardCharsets.UTF_8));
            sum.update(0);
        }
        return "%s-%08x".formatted(id, sum.getValue());
    }
}

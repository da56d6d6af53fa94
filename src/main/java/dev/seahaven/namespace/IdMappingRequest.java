package dev.seahaven.namespace;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.problem.Violations;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** A range of ids of a user namespace, as asked for. */
@Schema(name = "IdMapping")
public record IdMappingRequest(
        @Nullable Long inside, @Nullable Long outside, @Nullable Long length) {

    /** As many as the kernel takes (user_namespaces(7)). */
    private static final int MOST = 340;

    /**
     * The ranges, checked; empty where none are asked for.
     *
     * @param field the member of the request
     */
    public static List<IdMapping> resolve(
            String field, @Nullable List<@Nullable IdMappingRequest> asked, Violations violations) {
        if (asked == null || asked.isEmpty()) {
            return List.of();
        }
        if (!violations.require(asked.size() <= MOST, field, "has more than " + MOST + " ranges")) {
            return List.of();
        }
        List<IdMapping> mappings = new ArrayList<>();
        for (int i = 0; i < asked.size(); i++) {
            IdMappingRequest range = asked.get(i);
            String at = field + "[" + i + "]";
            if (range == null
                    || range.inside() == null
                    || range.outside() == null
                    || range.length() == null) {
                violations.add(at, "needs inside, outside and length");
                continue;
            }
            IdMapping mapping = new IdMapping(range.inside(), range.outside(), range.length());
            boolean fits =
                    mapping.inside() >= 0
                            && mapping.outside() >= 0
                            && mapping.length() >= 1
                            && mapping.inside() <= IdMapping.ID_COUNT - mapping.length()
                            && mapping.outside() <= IdMapping.ID_COUNT - mapping.length();
            if (violations.require(fits, at, "must lie between 0 and 4294967294")
                    && violations.require(
                            mappings.stream().noneMatch(mapping::overlaps),
                            at,
                            "overlaps another range")) {
                mappings.add(mapping);
            }
        }
        violations.require(
                mappings.stream().anyMatch(mapping -> mapping.mapsInside(0)),
                field,
                "must map the id 0 of the inside");
        return List.copyOf(mappings);
    }
}

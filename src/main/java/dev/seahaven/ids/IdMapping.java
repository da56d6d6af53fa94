package dev.seahaven.ids;

import java.util.List;
import java.util.stream.Collectors;

/**
 * A range of ids of a user namespace (user_namespaces(7), "User and group ID mappings").
 *
 * @param inside first id seen from the inside
 * @param outside first id seen from the host
 * @param length how many
 */
public record IdMapping(long inside, long outside, long length) {

    /** How many ids a sandbox of its own range has. */
    public static final long RANGE = 65_536;

    /** All ids; (uid_t) -1 is none. */
    public static final long ID_COUNT = 0xffffffffL;

    public boolean mapsInside(long id) {
        return id >= inside && id < inside + length;
    }

    public boolean mapsOutside(long id) {
        return id >= outside && id < outside + length;
    }

    public long toOutside(long id) {
        return outside + id - inside;
    }

    public boolean overlaps(IdMapping other) {
        return overlap(inside, other.inside, length, other.length) || sharesOutside(other);
    }

    /** Whether both lead to the same id of the host. */
    boolean sharesOutside(IdMapping other) {
        return overlap(outside, other.outside, length, other.length);
    }

    private static boolean overlap(long one, long two, long oneLength, long twoLength) {
        return one < two + twoLength && two < one + oneLength;
    }

    /** The text for uid_map or gid_map. */
    public static String text(List<IdMapping> mappings) {
        return mappings.stream()
                .map(
                        mapping ->
                                mapping.inside
                                        + " "
                                        + mapping.outside
                                        + " "
                                        + mapping.length
                                        + "\n")
                .collect(Collectors.joining());
    }

    /** The mappings that a uid_map or gid_map holds, read from the daemon's user namespace. */
    public static List<IdMapping> parse(String text) {
        return text.lines()
                .map(line -> line.trim().split("\\s+"))
                .map(
                        field ->
                                new IdMapping(
                                        Long.parseLong(field[0]),
                                        Long.parseLong(field[1]),
                                        Long.parseLong(field[2])))
                .toList();
    }
}

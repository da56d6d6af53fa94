package dev.seahaven.cgroup;

import java.util.List;
import java.util.stream.Stream;

/**
 * Which devices the processes of a group may use.
 *
 * @param all whether every device is allowed
 * @param more what is allowed beside the usual ones
 */
public record DeviceRules(boolean all, List<Rule> more) {

    /** What every sandbox may use: null, zero, full, random, urandom, tty, terminals. */
    private static final List<Rule> USUAL_DEVICES =
            List.of(
                    new Rule('c', 1, 3, "rwm"),
                    new Rule('c', 1, 5, "rwm"),
                    new Rule('c', 1, 7, "rwm"),
                    new Rule('c', 1, 8, "rwm"),
                    new Rule('c', 1, 9, "rwm"),
                    new Rule('c', 5, 0, "rwm"),
                    new Rule('c', 5, 2, "rwm"),
                    new Rule('c', 136, -1, "rwm"));

    /** Nothing beside the usual ones. */
    public static final DeviceRules USUAL = new DeviceRules(false, List.of());

    /** The usual ones, and those beside them. */
    public List<Rule> allowed() {
        return Stream.concat(USUAL_DEVICES.stream(), more.stream()).toList();
    }

    /**
     * @param kind {@code c} or {@code b}
     * @param minor negative for all
     * @param permissions of {@code rwm}
     */
    public record Rule(char kind, int major, int minor, String permissions) {
        /** As {@code devices.allow} has it. */
        public String text() {
            return kind + " " + major + ":" + (minor < 0 ? "*" : minor) + " " + permissions;
        }
    }
}

package dev.seahaven.procfs;

import java.util.List;

/**
 * One line of {@code /proc/PID/cgroup} (cgroups(7)).
 *
 * @param hierarchy 0 for cgroup2
 * @param controllers separated by commas; empty for cgroup2
 */
public record CgroupMembership(int hierarchy, String controllers, String path) {

    /** Parses a whole file. */
    public static List<CgroupMembership> parse(String text) {
        return ProcRoot.lines(text)
                .map(line -> line.split(":", 3))
                .filter(fields -> fields.length == 3)
                .map(
                        fields ->
                                new CgroupMembership(
                                        Integer.parseInt(fields[0]), fields[1], fields[2]))
                .toList();
    }
}

package dev.seahaven.sandbox.spec;

import java.util.Map;

/** The names and numbers of getrlimit(2), but for open files, which have a member of their own. */
public final class Rlimits {

    public static final int OPEN_FILES = 7;

    public static final Map<String, Integer> BY_NAME =
            Map.ofEntries(
                    Map.entry("cpu", 0),
                    Map.entry("fsize", 1),
                    Map.entry("data", 2),
                    Map.entry("stack", 3),
                    Map.entry("core", 4),
                    Map.entry("rss", 5),
                    Map.entry("nproc", 6),
                    Map.entry("memlock", 8),
                    Map.entry("as", 9),
                    Map.entry("locks", 10),
                    Map.entry("sigpending", 11),
                    Map.entry("msgqueue", 12),
                    Map.entry("nice", 13),
                    Map.entry("rtprio", 14),
                    Map.entry("rttime", 15));

    /** The name of a number, also of that of open files. */
    public static String name(int resource) {
        return BY_NAME.entrySet().stream()
                .filter(each -> each.getValue() == resource)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse("nofile");
    }

    private Rlimits() {}
}

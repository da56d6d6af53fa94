package dev.seahaven.procfs;

import java.util.HashMap;
import java.util.Map;

/**
 * The hard limits of {@code /proc/PID/limits} (proc_pid_limits(5)).
 *
 * @param hard by the names of getrlimit(2), in lower case; those without a bound are not in it
 */
public record ProcLimits(Map<String, Long> hard) {

    private static final Map<String, String> NAMES =
            Map.ofEntries(
                    Map.entry("Max cpu time", "cpu"),
                    Map.entry("Max file size", "fsize"),
                    Map.entry("Max data size", "data"),
                    Map.entry("Max stack size", "stack"),
                    Map.entry("Max core file size", "core"),
                    Map.entry("Max resident set", "rss"),
                    Map.entry("Max processes", "nproc"),
                    Map.entry("Max open files", "nofile"),
                    Map.entry("Max locked memory", "memlock"),
                    Map.entry("Max address space", "as"),
                    Map.entry("Max file locks", "locks"),
                    Map.entry("Max pending signals", "sigpending"),
                    Map.entry("Max msgqueue size", "msgqueue"),
                    Map.entry("Max nice priority", "nice"),
                    Map.entry("Max realtime priority", "rtprio"),
                    Map.entry("Max realtime timeout", "rttime"));

    private static final int TITLE_WIDTH = 26;

    /** Of a process, by its number or {@code self}. */
    public static Reading<ProcLimits> read(ProcRoot proc, Object process) {
        return proc.reading(process + "/limits").map(ProcLimits::parse);
    }

    /** Whether a hard limit is higher than a value, or there is none. */
    public boolean isMore(String name, long value) {
        Long has = hard.get(name);
        return has == null || has > value;
    }

    /** Each line has a title, the soft limit, the hard limit and the unit. */
    public static ProcLimits parse(String text) {
        Map<String, Long> hard = new HashMap<>();
        for (String line : text.lines().toList()) {
            if (line.length() < TITLE_WIDTH) {
                continue;
            }
            String name = NAMES.get(line.substring(0, TITLE_WIDTH).trim());
            String[] values = line.substring(TITLE_WIDTH).trim().split("\\s+");
            if (name != null && values.length > 1 && !values[1].equals("unlimited")) {
                hard.put(name, Long.parseLong(values[1]));
            }
        }
        return new ProcLimits(hard);
    }
}

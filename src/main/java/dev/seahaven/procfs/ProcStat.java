package dev.seahaven.procfs;

import java.util.Optional;

/**
 * What we use of {@code /proc/PID/stat} (proc_pid_stat(5)).
 *
 * @param command the name, at most 15 bytes
 * @param state one letter: {@code R}, {@code S}, {@code Z}, …
 * @param parent process number of the parent, 0 when it is outside of this pid namespace
 * @param startTicks when it started, in clock ticks since boot: with the number, unique until a
 *     reboot
 * @param threads how many it has
 */
public record ProcStat(
        int pid, String command, char state, int parent, long startTicks, int threads) {

    /**
     * Parses one line; the command may hold blanks and parentheses.
     *
     * @throws IllegalArgumentException when it is no such line
     */
    public static ProcStat parse(String line) {
        int open = line.indexOf('(');
        int close = line.lastIndexOf(')');
        if (open < 0 || close < open) {
            throw new IllegalArgumentException("not a line of /proc/PID/stat: " + line);
        }
        String[] fields = line.substring(close + 2).trim().split(" ");
        return new ProcStat(
                Integer.parseInt(line.substring(0, open).trim()),
                line.substring(open + 1, close),
                fields[0].charAt(0),
                Integer.parseInt(fields[1]),
                Long.parseLong(fields[19]),
                Integer.parseInt(fields[17]));
    }

    /** Of a process; empty where it is gone. */
    public static Optional<ProcStat> read(ProcRoot proc, int pid) {
        return proc.read(pid + "/stat").map(ProcStat::parse);
    }
}

package dev.seahaven.procfs;

import java.util.Arrays;
import java.util.List;

/**
 * One line of {@code /proc/PID/mountinfo} (proc_pid_mountinfo(5)).
 *
 * @param root the directory of the file system that is mounted
 * @param mountPoint where it is mounted, seen from the reader's root
 * @param options of the mount, such as {@code ro}
 * @param propagation such as {@code shared:1}; empty is private
 * @param fileSystem its type, such as {@code ext4}
 * @param superOptions the options of the file system
 */
public record MountInfo(
        int id,
        int parent,
        String root,
        String mountPoint,
        List<String> options,
        List<String> propagation,
        String fileSystem,
        String source,
        List<String> superOptions) {

    /** Whether files on it can be written to, as far as the mount and its file system let. */
    public boolean isWritable() {
        return options.contains("rw") && !superOptions.contains("ro");
    }

    /** Parses a whole file. */
    public static List<MountInfo> parse(String text) {
        return ProcRoot.lines(text).map(MountInfo::parseLine).toList();
    }

    /** Parses one line. */
    public static MountInfo parseLine(String line) {
        String[] fields = line.split(" ");
        int dash = Arrays.asList(fields).indexOf("-");
        return new MountInfo(
                Integer.parseInt(fields[0]),
                Integer.parseInt(fields[1]),
                unescape(fields[3]),
                unescape(fields[4]),
                List.of(fields[5].split(",")),
                List.of(fields).subList(6, dash),
                fields[dash + 1],
                unescape(fields[dash + 2]),
                List.of(fields[dash + 3].split(",")));
    }

    /** Blank, tab, newline and backslash stand as octal numbers. */
    private static String unescape(String text) {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        StringBuilder plain = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) == '\\' && i + 3 < text.length()) {
                plain.append((char) Integer.parseInt(text.substring(i + 1, i + 4), 8));
                i += 3;
            } else {
                plain.append(text.charAt(i));
            }
        }
        return plain.toString();
    }

    /**
     * The mounts that the daemon sees.
     *
     * @throws IllegalStateException when there is no such file, which is not the same as no mount
     */
    public static List<MountInfo> read(ProcRoot proc) {
        return proc.read("thread-self/mountinfo")
                .map(MountInfo::parse)
                .orElseThrow(() -> new IllegalStateException(proc.path() + " shows no mountinfo"));
    }
}

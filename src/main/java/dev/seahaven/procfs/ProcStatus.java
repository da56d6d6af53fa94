package dev.seahaven.procfs;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What we use of {@code /proc/PID/status} (proc_pid_status(5)). */
public record ProcStatus(Map<String, String> lines) {

    public static ProcStatus parse(String text) {
        Map<String, String> lines = new HashMap<>();
        for (String line : ProcRoot.lines(text).toList()) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                lines.put(line.substring(0, colon), line.substring(colon + 1).trim());
            }
        }
        return new ProcStatus(lines);
    }

    /** Of a process, by its number or {@code self}; empty where it is gone. */
    public static Optional<ProcStatus> read(ProcRoot proc, Object process) {
        return proc.read(process + "/status").map(ProcStatus::parse);
    }

    /** The daemon's own effective capabilities, a bit for each. */
    public static long ownCapabilities(ProcRoot proc) {
        return own(proc).hex("CapEff");
    }

    /**
     * The daemon's own.
     *
     * @throws IllegalStateException when there is none: the root is no proc file system
     */
    public static ProcStatus own(ProcRoot proc) {
        return read(proc, "self")
                .orElseThrow(() -> new IllegalStateException(proc.path() + " shows no self"));
    }

    private String[] fields(String name) {
        return lines.getOrDefault(name, "").split("\\s+");
    }

    /** Its number in each pid namespace, from the reader's down. */
    public List<Integer> pids() {
        return Arrays.stream(fields("NSpid"))
                .filter(text -> !text.isEmpty())
                .map(Integer::parseInt)
                .toList();
    }

    /** The effective user id, as the daemon's user namespace has it. */
    public long uid() {
        return Long.parseLong(fields("Uid")[1]);
    }

    /** The effective group id, likewise. */
    public long gid() {
        return Long.parseLong(fields("Gid")[1]);
    }

    /** Whose files it opens. */
    public long fsuid() {
        return Long.parseLong(fields("Uid")[3]);
    }

    /** The groups whose files it opens. */
    public List<Long> fileGroups() {
        return Stream.concat(Stream.of(fields("Gid")[3]), Arrays.stream(fields("Groups")))
                .filter(text -> !text.isEmpty())
                .map(Long::parseLong)
                .toList();
    }

    /** A set of capabilities, such as {@code CapPrm}. */
    public long hex(String name) {
        String text = lines.getOrDefault(name, "0");
        return Long.parseUnsignedLong(text, 16);
    }

    /** A decimal number, or 0 where the kernel does not tell it. */
    public int number(String name) {
        return Integer.parseInt(lines.getOrDefault(name, "0"));
    }

    /** The mode of seccomp by name; null where the kernel has none. */
    public @Nullable String seccomp() {
        return switch (lines.getOrDefault("Seccomp", "")) {
            case "0" -> "disabled";
            case "1" -> "strict";
            case "2" -> "filter";
            default -> null;
        };
    }
}

package dev.seahaven.sandbox.spec;

import dev.seahaven.launcher.LaunchPlan.Program;
import dev.seahaven.problem.Violations;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What a program may be, of a sandbox or of an exec: its arguments, environment and time. */
public final class ProgramRules {

    /** PATH, where none is given. */
    public static final String DEFAULT_PATH =
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private static final int VARIABLES_MAX = 10_000;
    private static final int BYTES_MAX = 512 * 1024;
    private static final double TIMEOUT_MIN_SECONDS = 0.001;
    private static final double TIMEOUT_MAX_SECONDS = 366 * 24 * 3600.0;

    private final Violations violations;

    public ProgramRules(Violations violations) {
        this.violations = violations;
    }

    /** A program and its arguments. */
    public List<String> command(@Nullable List<@Nullable String> asked) {
        if (asked == null || asked.isEmpty()) {
            violations.add("command", "is needed: a program and its arguments");
            return List.of();
        }
        List<String> arguments = new ArrayList<>();
        for (int i = 0; i < asked.size(); i++) {
            String argument = asked.get(i);
            String at = "command[" + i + "]";
            if (violations.require(argument != null, at, "must be a string")
                    && violations.require(argument.indexOf('\0') < 0, at, "must not hold a NUL")
                    && violations.require(
                            i > 0 || !argument.isEmpty(), at, "must name a program")) {
                arguments.add(argument);
            }
        }
        return List.copyOf(arguments);
    }

    /** Variables by name. */
    public Map<String, String> env(@Nullable Map<String, @Nullable String> asked) {
        Map<String, String> env =
                strings(
                        "env",
                        Objects.requireNonNullElse(asked, Map.of()),
                        VARIABLES_MAX,
                        violations);
        env.keySet().stream()
                .filter(variable -> variable.indexOf('=') >= 0)
                .forEach(
                        variable ->
                                violations.add("env." + variable, "must have a name without '='"));
        return env;
    }

    /** Strings by key, without NUL. */
    public static Map<String, String> strings(
            String field, Map<String, @Nullable String> map, int most, Violations violations) {
        Map<String, String> strings = new LinkedHashMap<>();
        if (!violations.require(
                map.size() <= most, field, "has " + map.size() + " members; at most " + most)) {
            return strings;
        }
        map.forEach(
                (key, value) -> {
                    String at = field + "." + key;
                    if (violations.require(value != null, at, "must be a string")
                            && violations.require(
                                    isText(key) && value.indexOf('\0') < 0,
                                    at,
                                    "must not hold a NUL or have an empty name")) {
                        strings.put(key, value);
                    }
                });
        return strings;
    }

    /** Whether a text is one that the kernel takes: not empty, and without NUL. */
    static boolean isText(String text) {
        return !text.isEmpty() && text.indexOf('\0') < 0;
    }

    /** The bounds of execve(2), and ours of all together. */
    public void checkSize(Collection<String> command, Map<String, String> env) {
        long total = 0;
        for (String argument : command) {
            total += size("command", argument);
        }
        for (Map.Entry<String, String> variable : env.entrySet()) {
            total += size("env", variable.getKey() + "=" + variable.getValue());
        }
        violations.require(
                total <= BYTES_MAX,
                "command",
                "arguments and environment have more than " + BYTES_MAX + " bytes");
    }

    private long size(String field, String text) {
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        violations.require(
                bytes <= Program.STRING_BYTES_MAX,
                field,
                "has one of more than " + Program.STRING_BYTES_MAX + " bytes");
        return bytes + 1L;
    }

    /** An absolute path, or the root. */
    public String workingDirectory(@Nullable String asked) {
        String directory = Objects.requireNonNullElse(asked, "/");
        violations.require(
                directory.startsWith("/") && directory.indexOf('\0') < 0,
                "workingDirectory",
                "must be an absolute path");
        return directory;
    }

    /** Seconds; null for no bound. */
    public @Nullable Double timeout(@Nullable Double seconds) {
        violations.require(
                seconds == null
                        || (seconds >= TIMEOUT_MIN_SECONDS && seconds <= TIMEOUT_MAX_SECONDS),
                "timeoutSeconds",
                "must be from " + TIMEOUT_MIN_SECONDS + " to " + (long) TIMEOUT_MAX_SECONDS);
        return seconds;
    }

    /** The same as a duration. */
    public static @Nullable Duration duration(@Nullable Double seconds) {
        return seconds == null ? null : Duration.ofNanos((long) (seconds * 1e9));
    }
}

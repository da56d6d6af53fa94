package dev.seahaven.exec;

import dev.seahaven.launcher.LaunchPlan.Program;
import dev.seahaven.namespace.IdMapping;
import dev.seahaven.web.Violations;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An {@code exec} with its defaults filled in. */
record ExecSpec(
        List<String> command,
        List<String> environment,
        int uid,
        int gid,
        String workingDirectory,
        @Nullable String stdin,
        @Nullable Duration timeout,
        boolean detach) {

    private static final String PATH =
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static final Pattern USER = Pattern.compile("(\\d{1,10})(?::(\\d{1,10}))?");
    private static final long ID_MAX = IdMapping.ID_COUNT - 1;
    private static final int TEXT_MAX = 512 * 1024;
    private static final int VARIABLES_MAX = 10_000;
    private static final double TIMEOUT_MAX_SECONDS = 1e9;

    static ExecSpec resolve(ExecRequest request) {
        Violations wrong = new Violations();
        List<String> command = command(request.command(), wrong);
        List<String> environment = environment(request.env(), wrong);
        long size =
                command.stream().mapToLong(String::length).sum()
                        + environment.stream().mapToLong(String::length).sum();
        wrong.require(
                size <= TEXT_MAX, "command", "and env are more than " + TEXT_MAX + " characters");
        requireShort("command", command, wrong);
        requireShort("env", environment, wrong);
        Matcher user = USER.matcher(Objects.requireNonNullElse(request.user(), "0:0"));
        boolean valid = wrong.require(user.matches(), "user", "must be UID or UID:GID, in digits");
        String uid = valid ? user.group(1) : "0";
        String gid = valid && user.group(2) != null ? user.group(2) : uid;
        wrong.require(
                Long.parseLong(uid) <= ID_MAX && Long.parseLong(gid) <= ID_MAX,
                "user",
                "must have ids from 0 to " + ID_MAX);
        String directory = Objects.requireNonNullElse(request.workingDirectory(), "/");
        wrong.require(
                directory.startsWith("/") && directory.indexOf('\0') < 0,
                "workingDirectory",
                "must be absolute");
        Double seconds = request.timeoutSeconds();
        wrong.require(
                seconds == null || (seconds > 0 && seconds <= TIMEOUT_MAX_SECONDS),
                "timeoutSeconds",
                "must be positive");
        wrong.throwIfAny();
        return new ExecSpec(
                command,
                environment,
                (int) Long.parseLong(uid),
                (int) Long.parseLong(gid),
                directory,
                request.stdin(),
                seconds == null ? null : Duration.ofNanos((long) (seconds * 1e9)),
                Boolean.TRUE.equals(request.detach()));
    }

    private static void requireShort(String field, List<String> strings, Violations wrong) {
        wrong.require(
                strings.stream()
                        .allMatch(
                                each ->
                                        each.getBytes(StandardCharsets.UTF_8).length
                                                <= Program.STRING_BYTES_MAX),
                field,
                "has one of more than " + Program.STRING_BYTES_MAX + " bytes");
    }

    private static List<String> command(@Nullable List<@Nullable String> asked, Violations wrong) {
        List<String> command = new ArrayList<>();
        if (asked != null) {
            for (String argument : asked) {
                wrong.require(
                        argument != null && argument.indexOf('\0') < 0,
                        "command",
                        "must not hold null or a NUL byte");
                command.add(argument == null ? "" : argument);
            }
        }
        wrong.require(
                !command.isEmpty() && !command.getFirst().isEmpty(),
                "command",
                "must not be empty");
        return command;
    }

    private static List<String> environment(
            @Nullable Map<String, @Nullable String> asked, Violations wrong) {
        Map<String, String> variables = new TreeMap<>(Map.of("PATH", PATH, "HOME", "/root"));
        if (asked != null) {
            wrong.require(asked.size() <= VARIABLES_MAX, "env", "has more than " + VARIABLES_MAX);
            asked.forEach(
                    (name, value) -> {
                        boolean fits =
                                !name.isEmpty()
                                        && name.indexOf('=') < 0
                                        && name.indexOf('\0') < 0
                                        && value != null
                                        && value.indexOf('\0') < 0;
                        wrong.require(
                                fits, "env", "needs names without '=', and values, without NUL");
                        variables.put(name, value == null ? "" : value);
                    });
        }
        return variables.entrySet().stream()
                .map(each -> each.getKey() + "=" + each.getValue())
                .toList();
    }
}

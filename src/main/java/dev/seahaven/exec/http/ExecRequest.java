package dev.seahaven.exec.http;

import dev.seahaven.exec.ExecSpec;
import dev.seahaven.ids.IdMapping;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.Violations;
import dev.seahaven.sandbox.spec.ProgramRules;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The body of an {@code exec} in a namespace. */
@Schema(name = "Exec")
record ExecRequest(
        @Schema(
                        description = "Program and arguments; a name is looked up in PATH.",
                        requiredMode = Schema.RequiredMode.REQUIRED,
                        example = "[\"ip\", \"-brief\", \"address\"]")
                @Nullable List<@Nullable String> command,
        @Schema(description = "Environment; PATH and HOME have defaults, nothing is inherited.")
                @Nullable Map<String, @Nullable String> env,
        @Schema(description = "UID or UID:GID, as the inside has them.", defaultValue = "0:0")
                @Nullable String user,
        @Schema(description = "Absolute; must exist.", defaultValue = "/")
                @Nullable String workingDirectory,
        @Nullable String stdin,
        @Schema(description = "It is killed after that. Absent: never.")
                @Nullable Double timeoutSeconds,
        @Schema(
                        description = "How the answer has stdout and stderr: text or base64.",
                        defaultValue = "text")
                @Nullable Output output,
        @Schema(
                        description =
                                "Answer as soon as it runs, and let it run on; its output is lost.",
                        defaultValue = "false")
                @Nullable Boolean detach) {

    private static final Pattern USER = Pattern.compile("([0-9]{1,10})(?::([0-9]{1,10}))?");
    private static final long ID_MAX = IdMapping.ID_COUNT - 1;

    /**
     * @throws Problem 400 with all that is wrong
     */
    ExecSpec resolve() {
        Violations wrong = new Violations();
        ProgramRules rules = new ProgramRules(wrong);
        List<String> program = rules.command(command);
        Map<String, String> variables = rules.env(env);
        rules.checkSize(program, variables);
        Matcher ids = USER.matcher(Objects.requireNonNullElse(user, "0:0"));
        boolean valid = wrong.require(ids.matches(), "user", "must be UID or UID:GID, in digits");
        long uid = valid ? Long.parseLong(ids.group(1)) : 0;
        long gid = valid && ids.group(2) != null ? Long.parseLong(ids.group(2)) : uid;
        wrong.require(uid <= ID_MAX && gid <= ID_MAX, "user", "must have ids from 0 to " + ID_MAX);
        String directory = rules.workingDirectory(workingDirectory);
        Double seconds = rules.timeout(timeoutSeconds);
        wrong.throwIfAny();
        return new ExecSpec(
                program,
                variables,
                (int) uid,
                (int) gid,
                directory,
                stdin,
                ProgramRules.duration(seconds),
                Boolean.TRUE.equals(detach));
    }
}

package dev.seahaven.exec;

import dev.seahaven.sandbox.spec.ProgramRules;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * An {@code exec} in a namespace, with its defaults filled in.
 *
 * @param uid as the inside has it, unsigned; likewise {@code gid}
 * @param timeout null: none
 * @param detach whether the answer comes as soon as it runs, and its output is lost
 */
public record ExecSpec(
        List<String> command,
        Map<String, String> env,
        int uid,
        int gid,
        String workingDirectory,
        @Nullable String stdin,
        @Nullable Duration timeout,
        boolean detach) {

    /** The environment as execve(2) takes it, with PATH and HOME where they are not given. */
    List<String> environment() {
        Map<String, String> variables =
                new TreeMap<>(Map.of("PATH", ProgramRules.DEFAULT_PATH, "HOME", "/root"));
        variables.putAll(env);
        return variables.entrySet().stream()
                .map(each -> each.getKey() + "=" + each.getValue())
                .toList();
    }
}

package dev.seahaven.seccomp;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;

/**
 * A profile in OCI's form (runtime-spec, config-linux.md, "Seccomp").
 *
 * @param defaultAction such as {@code SCMP_ACT_ERRNO}
 * @param defaultErrnoRet for the default action; absent: EPERM
 * @param architectures such as {@code SCMP_ARCH_X86_64}; this machine's own is always among them
 * @param flags such as {@code SECCOMP_FILTER_FLAG_LOG}; none is supported
 */
@Schema(name = "SeccompProfile", description = "As in the runtime specification of OCI.")
public record SeccompProfile(
        @Nullable String defaultAction,
        @Nullable Integer defaultErrnoRet,
        @Nullable List<@Nullable String> architectures,
        @Nullable List<@Nullable String> flags,
        @Nullable List<@Nullable Rule> syscalls) {

    /**
     * @param names of system calls
     * @param args all must hold
     * @param includes the rule counts only with one of these capabilities; not in a profile that a
     *     user gives
     * @param excludes the rule counts only without any of them; likewise
     */
    @Schema(name = "SeccompRule")
    public record Rule(
            @Nullable List<@Nullable String> names,
            @Nullable String action,
            @Nullable Integer errnoRet,
            @Nullable List<@Nullable Argument> args,
            @Schema(hidden = true) @Nullable Condition includes,
            @Schema(hidden = true) @Nullable Condition excludes) {}

    /**
     * @param index 0 to 5
     * @param value 0 to 2^64 - 1, and so is the other
     * @param op such as {@code SCMP_CMP_EQ}
     */
    @Schema(name = "SeccompArgument")
    public record Argument(
            @Nullable Integer index,
            @Nullable BigInteger value,
            @Nullable BigInteger valueTwo,
            @Nullable String op) {}

    public record Condition(List<String> caps) {}

    /** What OCI calls the actions, and libseccomp's numbers for them. */
    static final Map<String, Integer> ACTIONS =
            Map.of(
                    "SCMP_ACT_KILL", 0,
                    "SCMP_ACT_KILL_THREAD", 0,
                    "SCMP_ACT_KILL_PROCESS", 0x80000000,
                    "SCMP_ACT_TRAP", 0x00030000,
                    "SCMP_ACT_ERRNO", 0x00050000,
                    "SCMP_ACT_TRACE", 0x7ff00000,
                    "SCMP_ACT_LOG", 0x7ffc0000,
                    "SCMP_ACT_ALLOW", 0x7fff0000);

    /** The comparisons that a rule may make, with libseccomp's numbers. */
    static final Map<String, Integer> OPERATIONS =
            Map.of(
                    "SCMP_CMP_NE", 1,
                    "SCMP_CMP_LT", 2,
                    "SCMP_CMP_LE", 3,
                    "SCMP_CMP_EQ", 4,
                    "SCMP_CMP_GE", 5,
                    "SCMP_CMP_GT", 6,
                    "SCMP_CMP_MASKED_EQ", 7);
}

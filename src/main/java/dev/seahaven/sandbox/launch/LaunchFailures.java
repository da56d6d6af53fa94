package dev.seahaven.sandbox.launch;

import dev.seahaven.cgroup.MissingFeatureException;
import dev.seahaven.launcher.LauncherException;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.sandbox.spec.Security;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;

import java.util.Optional;
import java.util.function.Function;

/**
 * What the failure of a launch means for the request: told by the stage and by the item of the plan
 * that failed, never by the text of a call.
 */
public final class LaunchFailures {

    private final Function<String, String> fileSystemOf;

    /**
     * @param fileSystemOf the type of the file system that holds a path
     */
    LaunchFailures(Function<String, String> fileSystemOf) {
        this.fileSystemOf = fileSystemOf;
    }

    /** The problem that it is, where it follows from the request; else the failure itself. */
    RuntimeException explain(SandboxSpec spec, PlanMembers members, LauncherException failure) {
        return problem(spec, members, failure).<RuntimeException>map(each -> each).orElse(failure);
    }

    private Optional<Problem> problem(
            SandboxSpec spec, PlanMembers members, LauncherException failure) {
        Optional<String> member = members.member(failure.stage(), failure.item());
        Errno errno = failure.errno();
        boolean refused = isRefusal(errno);
        Security security = spec.security();
        return switch (failure.stage()) {
            case WORKING_DIRECTORY ->
                    invalid("workingDirectory", "cannot be entered: " + told(errno));
            case CLONE ->
                    errno == Errno.ENOMEM && !spec.isNew(NamespaceType.PID)
                            ? Optional.of(deadPidNamespace())
                            : Optional.empty();
            case TIME ->
                    errno == Errno.ERANGE
                            ? invalid("namespaces.time", "an offset is out of the clock's range")
                            : Optional.empty();
            case ROOT_MAPPING ->
                    errno == Errno.EINVAL && spec.rootfs() != null
                            ? Optional.of(unsupportedRoot(spec.rootfs()))
                            : Optional.empty();
            case MOUNTS -> mount(spec, member, failure);
            case SYSCTLS ->
                    member.filter(name -> refused)
                            .map(name -> Problem.invalid(name, sysctlRefusal(errno)));
            case MASKS ->
                    member.filter(name -> refused)
                            .map(
                                    name ->
                                            Problem.invalid(
                                                    name,
                                                    "cannot be covered; is it a symbolic link?"
                                                            + " Name what it leads to"));
            case RLIMITS ->
                    member.filter(name -> refused)
                            .map(name -> Problem.invalid(name, "cannot be set: " + told(errno)));
            case LABEL ->
                    refused
                            ? invalid(
                                    security.apparmor() == null
                                            ? "security.selinux"
                                            : "security.apparmor",
                                    "is not taken by the kernel: " + told(errno))
                            : Optional.empty();
            case LANDLOCK ->
                    member.filter(name -> refused)
                            .map(
                                    name ->
                                            Problem.invalid(
                                                    name,
                                                    "cannot be granted: "
                                                            + told(errno)
                                                            + "; is it there in this root?"));
            case CAPABILITIES ->
                    errno == Errno.EPERM
                            ? invalid(
                                    "security.capabilities.add",
                                    "asks for what the daemon itself does not have")
                            : Optional.empty();
            case SECCOMP ->
                    refused && security.seccomp() == Security.SeccompMode.PROFILE
                            ? invalid(
                                    "security.seccomp",
                                    "is not taken by the kernel: " + told(errno))
                            : Optional.empty();
            case LOST ->
                    security.seccomp() == Security.SeccompMode.PROFILE
                            ? invalid(
                                    "security.seccomp",
                                    "keeps the command from being executed: let at least execve,"
                                            + " sendto and exit_group through")
                            : Optional.empty();
            case PLAN,
                    DESCRIPTORS,
                    JOIN,
                    MAPS,
                    ROOT,
                    KERNEL_FILESYSTEMS,
                    CGROUP,
                    HOSTNAME,
                    NETWORK,
                    DEVICES,
                    PIVOT,
                    INIT,
                    CREDENTIALS,
                    EXEC,
                    RECORD ->
                    Optional.empty();
        };
    }

    private static Optional<Problem> invalid(String member, String message) {
        return Optional.of(Problem.invalid(member, message));
    }

    private static String told(Errno errno) {
        return errno + " (" + errno.description() + ")";
    }

    /** A root of the caller's may have no place for what every sandbox has. */
    private static Optional<Problem> mount(
            SandboxSpec spec, Optional<String> member, LauncherException failure) {
        Errno errno = failure.errno();
        if (spec.rootfs() == null || (errno != Errno.ELOOP && errno != Errno.ENOTDIR)) {
            return Optional.empty();
        }
        return invalid(
                member.orElse("rootfs.path"),
                "has no directory where one is needed for a mount: " + failure.refusal().call());
    }

    private static Problem deadPidNamespace() {
        return new Problem(
                ProblemType.WRONG_STATE,
                "The pid namespace that is shared is dead: its init has ended.");
    }

    private static String sysctlRefusal(Errno errno) {
        return switch (errno) {
            case ENOENT -> "is not there in a namespace of its own";
            case EISDIR -> "is a directory; name what lies in it";
            case ENAMETOOLONG -> "is longer than any name of a sysctl";
            default -> "does not take this value, or not from a sandbox: " + told(errno);
        };
    }

    /** Whether the value was refused, and not something of ours failed. */
    private static boolean isRefusal(Errno errno) {
        return switch (errno) {
            case EINVAL,
                    ENOENT,
                    ENOTDIR,
                    EISDIR,
                    ELOOP,
                    EACCES,
                    EPERM,
                    EROFS,
                    ERANGE,
                    ENAMETOOLONG ->
                    true;
            default -> false;
        };
    }

    private Problem unsupportedRoot(SandboxSpec.Rootfs rootfs) {
        String type = fileSystemOf.apply(rootfs.path());
        return new Problem(
                        ProblemType.UNSUPPORTED_FEATURE,
                        "The file system of "
                                + rootfs.path()
                                + " ("
                                + type
                                + ") cannot be id-mapped; copy the root to ext4, xfs, btrfs or"
                                + " tmpfs.")
                .with("feature", "idmapped-mounts")
                .with("fileSystem", type);
    }

    /** A limit that the host cannot set, that the kernel does not take, or no longer takes. */
    public static RuntimeException ofLimits(RuntimeException failure) {
        return switch (failure) {
            case MissingFeatureException missing ->
                    new Problem(
                                    ProblemType.UNSUPPORTED_FEATURE,
                                    String.valueOf(missing.getMessage()))
                            .with("feature", missing.feature());
            case SyscallException refusal -> ofLimits(refusal);
            default -> failure;
        };
    }

    private static RuntimeException ofLimits(SyscallException refusal) {
        return switch (refusal.errno()) {
            case EINVAL, ERANGE, ENODEV, ENOSPC ->
                    Problem.invalid("limits", "the kernel does not take: " + refusal.getMessage());
            case EBUSY ->
                    new Problem(
                                    ProblemType.WRONG_STATE,
                                    "More is used already than the new limit allows: "
                                            + refusal.getMessage())
                            .with("syscall", refusal.syscall())
                            .with("errno", refusal.errno().name());
            default -> refusal;
        };
    }
}

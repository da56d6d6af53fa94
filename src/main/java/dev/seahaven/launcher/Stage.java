package dev.seahaven.launcher;

/** The stages of a launch, in their order, as {@code stage.h} has them. */
public enum Stage {
    PLAN,
    JOIN,
    TIME,
    CLONE,
    MAPS,
    ROOT,
    KERNEL_FILESYSTEMS,
    CGROUP,
    HOSTNAME,
    NETWORK,
    SYSCTLS,
    DEVICES,
    MOUNTS,
    MASKS,
    PIVOT,
    INIT,
    RLIMITS,
    LABEL,
    LANDLOCK,
    CREDENTIALS,
    DESCRIPTORS,
    WORKING_DIRECTORY,
    SECCOMP,
    EXEC,
    RECORD
}

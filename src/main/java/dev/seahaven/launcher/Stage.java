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
    DEVICES,
    MOUNTS,
    MASKS,
    PIVOT,
    INIT,
    CREDENTIALS,
    DESCRIPTORS,
    WORKING_DIRECTORY,
    EXEC,
    RECORD
}

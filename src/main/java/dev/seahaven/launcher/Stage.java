package dev.seahaven.launcher;

import java.util.Locale;

/** The stages of a launch, in the order in which they come, as {@code stage.h} has them. */
public enum Stage {
    PLAN,
    DESCRIPTORS,
    TIME,
    JOIN,
    CLONE,
    MAPS,
    ROOT_MAPPING,
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
    CAPABILITIES,
    WORKING_DIRECTORY,
    SECCOMP,
    EXEC,
    RECORD,
    LOST;

    /** Its name on the wire, such as {@code working-directory}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

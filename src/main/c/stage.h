/* The stages of a launch, in the order in which they come. dev.seahaven.launcher.Stage has the same names; a test compares
 * them. */
#pragma once

enum stage {
    STAGE_PLAN,
    STAGE_DESCRIPTORS,
    STAGE_TIME,
    STAGE_JOIN,
    STAGE_CLONE,
    STAGE_MAPS,
    STAGE_ROOT_MAPPING,
    STAGE_ROOT,
    STAGE_KERNEL_FILESYSTEMS,
    STAGE_CGROUP,
    STAGE_HOSTNAME,
    STAGE_NETWORK,
    STAGE_SYSCTLS,
    STAGE_DEVICES,
    STAGE_MOUNTS,
    STAGE_MASKS,
    STAGE_PIVOT,
    STAGE_INIT,
    STAGE_RLIMITS,
    STAGE_LABEL,
    STAGE_LANDLOCK,
    STAGE_CREDENTIALS,
    STAGE_CAPABILITIES,
    STAGE_WORKING_DIRECTORY,
    STAGE_SECCOMP,
    STAGE_EXEC,
    STAGE_RECORD,
    STAGE_LOST, /* the child was killed before it executed the command */
};

/* The stages of a launch, in their order. dev.seahaven.launcher.Stage has the same names; a test compares them. */
#pragma once

enum stage {
    STAGE_PLAN,
    STAGE_JOIN,
    STAGE_TIME,
    STAGE_CLONE,
    STAGE_MAPS,
    STAGE_ROOT,
    STAGE_KERNEL_FILESYSTEMS,
    STAGE_CGROUP,
    STAGE_HOSTNAME,
    STAGE_NETWORK,
    STAGE_DEVICES,
    STAGE_MOUNTS,
    STAGE_MASKS,
    STAGE_PIVOT,
    STAGE_INIT,
    STAGE_CREDENTIALS,
    STAGE_DESCRIPTORS,
    STAGE_WORKING_DIRECTORY,
    STAGE_EXEC,
    STAGE_RECORD,
};

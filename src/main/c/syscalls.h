/*
 * System calls and constants newer than the C library's headers. Each answers ENOSYS where the kernel is older; the
 * numbers from 424 on are the same on every architecture.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#endif
#ifndef MOVE_MOUNT_T_EMPTY_PATH
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#endif
#ifndef FSOPEN_CLOEXEC
#define FSOPEN_CLOEXEC 1
#endif
#ifndef FSMOUNT_CLOEXEC
#define FSMOUNT_CLOEXEC 1
#endif
#ifndef FSCONFIG_SET_FLAG
#define FSCONFIG_SET_FLAG 0
#endif
#ifndef FSCONFIG_SET_STRING
#define FSCONFIG_SET_STRING 1
#endif
#ifndef FSCONFIG_SET_FD
#define FSCONFIG_SET_FD 5
#endif
#ifndef FSCONFIG_CMD_CREATE
#define FSCONFIG_CMD_CREATE 6
#endif
#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 0x00000001
#endif
#ifndef MOUNT_ATTR_NOSUID
#define MOUNT_ATTR_NOSUID 0x00000002
#endif
#ifndef MOUNT_ATTR_NODEV
#define MOUNT_ATTR_NODEV 0x00000004
#endif
#ifndef MOUNT_ATTR_NOEXEC
#define MOUNT_ATTR_NOEXEC 0x00000008
#endif
#ifndef MOUNT_ATTR_STRICTATIME
#define MOUNT_ATTR_STRICTATIME 0x00000020
#endif
#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

struct mount_attributes { /* struct mount_attr, which not every sys/mount.h has */
    uint64_t set, clear, propagation, userns_fd;
};

static inline int sys_open_tree(int dir, const char *path, unsigned flags)
{
    return (int)syscall(428, dir, path, flags);
}

static inline int sys_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags)
{
    return (int)syscall(429, from, from_path, to, to_path, flags);
}

static inline int sys_fsopen(const char *type)
{
    return (int)syscall(430, type, FSOPEN_CLOEXEC);
}

static inline int sys_fsconfig(int fs, unsigned command, const char *key, const void *value, int auxiliary)
{
    return (int)syscall(431, fs, command, key, value, auxiliary);
}

static inline int sys_fsmount(int fs, unsigned attributes)
{
    return (int)syscall(432, fs, FSMOUNT_CLOEXEC, attributes);
}

static inline int sys_pidfd_open(pid_t pid)
{
    return (int)syscall(434, pid, 0);
}

static inline long sys_clone3(struct clone_args *arguments)
{
    return syscall(435, arguments, sizeof *arguments);
}

static inline int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    return (int)syscall(436, first, last, flags);
}

static inline int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .resolve = resolve};
    return (int)syscall(437, dir, path, &how, sizeof how);
}

static inline int sys_mount_setattr(int dir, const char *path, unsigned flags, struct mount_attributes *attributes)
{
    return (int)syscall(442, dir, path, flags, attributes, sizeof *attributes);
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}

/* waitid(2) with P_PIDFD and the resource usage that the C library's wrapper leaves out. */
static inline int sys_waitid_pidfd(int pidfd, void *info, int options, struct rusage *usage)
{
    return (int)syscall(SYS_waitid, 3 /* P_PIDFD */, pidfd, info, options, usage);
}

/* landlock(7) */
#define LANDLOCK_PATH_BENEATH 1
#define LANDLOCK_NET_PORT 2

struct landlock_beneath {
    uint64_t access;
    int32_t parent;
} __attribute__((packed));

static inline int sys_landlock_create_ruleset(const uint64_t *handled, size_t size)
{
    return (int)syscall(444, handled, size, 0);
}

static inline int sys_landlock_add_rule(int ruleset, int type, const void *rule)
{
    return (int)syscall(445, ruleset, type, rule, 0);
}

static inline int sys_landlock_restrict_self(int ruleset)
{
    return (int)syscall(446, ruleset, 0);
}

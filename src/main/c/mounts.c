#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "launcher.h"
#include "syscalls.h"

#define OPTIONS_MAX 8

struct option {
    const char *key, *value; /* no value: a flag */
};

/* A detached mount of a new file system. */
static int make_mount(const char *type, unsigned attributes, const struct option *options)
{
    int fs = sys_fsopen(type);

    if (fs < 0)
        fail("fsopen", "%s", type);
    for (; options != NULL && options->key != NULL; options++)
        if (sys_fsconfig(fs, options->value != NULL ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options->key, options->value,
                         0) < 0)
            fail("fsconfig", "%s, %s=%s", type, options->key, options->value != NULL ? options->value : "");
    if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        fail("fsconfig", "%s, create", type);
    int mount = sys_fsmount(fs, attributes);
    if (mount < 0)
        fail("fsmount", "%s", type);
    close(fs);
    return mount;
}

static void attach(int mount, int dir, const char *path, const char *what)
{
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (path[0] == '\0' ? MOVE_MOUNT_T_EMPTY_PATH : 0);

    if (sys_move_mount(mount, "", dir, path, flags) < 0)
        fail("move_mount", "%s", what);
}

static void change_attributes(int mount, struct mount_attributes attributes, const char *what)
{
    if (sys_mount_setattr(mount, "", AT_EMPTY_PATH, &attributes) < 0)
        fail("mount_setattr", "%s", what);
}

static int open_namespace(pid_t pid, const char *type)
{
    char path[64];

    format(path, sizeof path, "/proc/%d/ns/%s", pid, type);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail("open", "/proc/PID/ns/%s", type);
    return fd;
}

/* ------------------------------------------------------------------ the root, in the monitor */

uint64_t work_key;

/* A permutation that changes half of the bits for each that is changed (Steele, Lea and Flood: SplitMix). */
static uint64_t mixed(uint64_t bits)
{
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return bits ^ bits >> 31;
}

/* These paths stand in the mountinfo of a sandbox, and pids of the host are not to. */
static void work_path(char *path, size_t size, pid_t monitor, char layer)
{
    uint64_t name = mixed(mixed((uint64_t)monitor ^ work_key) + work_key);

    format(path, size, PLACE_WORK "/%016llx.%c", (unsigned long long)name, layer);
}

void remove_work(pid_t monitor)
{
    char path[64];

    for (const char *layer = "ul"; *layer != '\0'; layer++) {
        work_path(path, sizeof path, monitor, *layer);
        if (umount2(path, MNT_DETACH) == 0 || errno != ENOENT)
            (void)rmdir(path);
    }
}

/* An overlay takes its layers by name; detached ones fail on Linux 6.12. */
static void attach_layer(int mount, char layer, char *path, size_t size)
{
    work_path(path, size, getpid(), layer);
    if (mkdir(path, 0700) < 0)
        fail("mkdir", "%s", path);
    attach(mount, AT_FDCWD, path, path);
}

/* Whether somebody inside has put something else in the place of a directory. */
static bool is_replaced(void)
{
    return errno == ENOTDIR || errno == ELOOP || errno == ENOENT;
}

/*
 * Opens a directory of the upper layer, which is made where it is missing. What a life before left there is what root inside
 * made of it, links too: none is followed, and what is no directory any more (-1) stays, for it hides the lower one as well.
 */
static int make_directory(int dir, const char *path, mode_t mode, const struct plan *plan)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    char above[256];
    int parent = dir;

    if (slash != NULL) {
        format(above, sizeof above, "%.*s", (int)(slash - path), path);
        parent = open_here(dir, above, O_PATH | O_DIRECTORY);
        if (parent < 0 && is_replaced())
            return -1;
        if (parent < 0)
            fail("openat2", "upper/%s", above);
    }
    bool there = mkdirat(parent, name, mode & 07777) < 0; /* with this mode, for the umask is 0 */
    if (there && errno != EEXIST)
        fail("mkdirat", "%s", path);
    int made = open_here(parent, name, O_RDONLY | O_DIRECTORY);
    if (made < 0 && !(there && is_replaced()))
        fail("openat2", "upper/%s", path);
    if (slash != NULL)
        close(parent);
    if (made < 0)
        return -1;
    if (there && fchmod(made, mode & 07777) < 0)
        fail("fchmod", "%s", path);
    if (fchown(made, plan->root_uid, plan->root_gid) < 0)
        fail("fchown", "%s", path);
    return made;
}

/* A file that a sandbox has made or changed in an earlier life stays as it is. */
static void make_file(int dir, const struct prepared *prepared, const struct plan *plan)
{
    const char *path = prepared->path.bytes, *slash = strrchr(path, '/');
    char above[256];

    format(above, sizeof above, "%.*s", (int)(slash - path), path);
    int parent = open_here(dir, above, O_PATH | O_DIRECTORY);
    if (parent < 0 && is_replaced())
        return;
    if (parent < 0)
        fail("openat2", "upper/%s", above);
    int file = openat(parent, slash + 1, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, prepared->mode & 07777);
    if (file < 0 && errno != EEXIST)
        fail("openat", "upper/%s", path);
    if (file >= 0) {
        if (!write_all(file, prepared->content.bytes, prepared->content.length))
            fail("write", "upper/%s", path);
        if (fchown(file, plan->root_uid, plan->root_gid) < 0)
            fail("fchown", "upper/%s", path);
        close(file);
    }
    close(parent);
}

/* The upper layer and what it holds from the start: inside root's own directories, some of which hide the lower ones. */
static void prepare_upper(int dir, const struct plan *plan)
{
    if (mkdirat(dir, "work", 0700) < 0) {
        if (errno != EEXIST)
            fail("mkdirat", "work");
        /* What a volatile overlay leaves to be found after a crash; the daemon drops such uppers (make_overlay). */
        if (unlinkat(dir, "work/work/incompat/volatile/dirty", 0) < 0 && errno != ENOENT)
            fail("unlinkat", "work/work/incompat/volatile/dirty");
        if (unlinkat(dir, "work/work/incompat/volatile", AT_REMOVEDIR) < 0 && errno != ENOENT)
            fail("unlinkat", "work/work/incompat/volatile");
    }
    int upper = make_directory(dir, "upper", 0755, plan);
    if (upper < 0)
        fail("openat2", "upper");
    for (uint32_t i = 0; i < plan->prepareds; i++) {
        const struct prepared *prepared = &plan->prepared[i];

        if (S_ISREG(prepared->mode)) {
            make_file(upper, prepared, plan);
            continue;
        }
        int made = make_directory(upper, prepared->path.bytes, prepared->mode, plan);
        if (made < 0)
            continue;
        if (prepared->opaque != 0 && fsetxattr(made, "trusted.overlay.opaque", "y", 1, 0) < 0)
            fail("fsetxattr", "upper/%s, trusted.overlay.opaque", prepared->path.bytes);
        close(made);
    }
    close(upper);
}

static int make_upper(const struct launch *launch)
{
    const struct plan *plan = &launch->plan;
    char size[32];

    if (plan->fd_upper != WIRE_NO_FD)
        return launch->fds[plan->fd_upper];
    format(size, sizeof size, "%llu", (unsigned long long)plan->upper_bytes);
    const struct option options[] = {{"mode", "0700"}, {"size", size}, {NULL, NULL}};
    return make_mount("tmpfs", MOUNT_ATTR_NODEV, options);
}

static int make_overlay(const struct launch *launch, int lower)
{
    const struct plan *plan = &launch->plan;
    char upper_path[64], lower_path[64] = PLACE_HOST, upper_dir[80], work_dir[80];
    int upper = make_upper(launch);

    prepare_upper(upper, plan);
    if (lower >= 0)
        attach_layer(lower, 'l', lower_path, sizeof lower_path);
    attach_layer(upper, 'u', upper_path, sizeof upper_path);
    format(upper_dir, sizeof upper_dir, "%s/upper", upper_path);
    format(work_dir, sizeof work_dir, "%s/work", upper_path);
    /* Without volatile each end would sync the upper's file system. A throw-away layer need not outlive a crash of the host. */
    const struct option options[] = {
        {"lowerdir", lower_path}, {"upperdir", upper_dir}, {"workdir", work_dir}, {"volatile", NULL}, {NULL, NULL},
    };
    int overlay = make_mount("overlay", MOUNT_ATTR_NODEV, options);
    struct statvfs about;
    if (fstatvfs(overlay, &about) < 0)
        fail("fstatvfs", "overlay");
    if ((about.f_flag & ST_RDONLY) != 0) {
        errno = EROFS; /* what overlayfs falls back to, without an error, when it cannot use the upper */
        fail("fsmount", "overlay: upper layer not writable");
    }
    close(upper);
    return overlay;
}

int make_root(const struct launch *launch)
{
    const struct plan *plan = &launch->plan;
    int tree = plan->fd_root == WIRE_NO_FD ? -1 : launch->fds[plan->fd_root];

    enter_stage(STAGE_ROOT_MAPPING);
    if (plan->root_kind == ROOT_NONE)
        return -1;
    if (tree >= 0) {
        struct mount_attributes attributes = {.set = MOUNT_ATTR_NODEV, .propagation = MS_PRIVATE};
        int userns = plan->root_mapped != 0 ? open_namespace(launch->pid, "user") : -1;

        if (userns >= 0) {
            attributes.set |= MOUNT_ATTR_IDMAP;
            attributes.userns_fd = (uint64_t)(unsigned)userns;
        }
        if (plan->root_kind == ROOT_TREE && plan->root_read_only != 0)
            attributes.set |= MOUNT_ATTR_RDONLY;
        change_attributes(tree, attributes, userns >= 0 ? "root, idmap" : "root");
        if (userns >= 0)
            close(userns);
    }
    enter_stage(STAGE_ROOT);
    return plan->root_kind == ROOT_OVERLAY ? make_overlay(launch, tree) : tree;
}

/*
 * What the daemon has opened of the host is still a peer of the mount it is a copy of, if that is shared: whatever is mounted
 * on it would show on the host (mount_namespaces(7)).
 */
void guard_trees(const struct launch *launch)
{
    const struct plan *plan = &launch->plan;
    struct mount_attributes needed = {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                                      .propagation = MS_PRIVATE};
    struct mount_attributes device = {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                                      .propagation = MS_PRIVATE};

    if (plan->root_kind == ROOT_NONE) /* refresh_mounts */
        return;
    for (uint32_t i = 0; i < plan->attachments; i++)
        change_attributes(launch->fds[plan->attachment[i].fd], needed, plan->attachment[i].target.bytes);
    for (uint32_t i = 0; i < plan->devices; i++)
        change_attributes(launch->fds[plan->device[i].fd], device, plan->device[i].path.bytes);
}

/* ------------------------------------------------------------------ proc, sysfs and mqueue, in the monitor */

#define KERNEL_ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* Linux 6.17 takes the pid namespace as an option; an older kernel answers EINVAL, and takes the caller's. */
static int make_proc_by_option(pid_t pid)
{
    int pidns = open_namespace(pid, "pid");
    int fs = sys_fsopen("proc");

    if (fs < 0)
        fail("fsopen", "proc");
    if (sys_fsconfig(fs, FSCONFIG_SET_FD, "pidns", NULL, pidns) < 0)
        fail("fsconfig", "proc, pidns");
    if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        fail("fsconfig", "proc, create");
    int mount = sys_fsmount(fs, KERNEL_ATTRIBUTES);
    if (mount < 0)
        fail("fsmount", "proc");
    close(fs);
    close(pidns);
    return mount;
}

/* Before that, a process in the namespace makes the mount: joining a pid namespace takes effect for children only. */
static int make_proc_by_member(const struct launch *launch)
{
    int answer[2], mount = -1;
    pid_t member;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, answer) < 0)
        fail("socketpair", "proc");
    int own = open_namespace(getpid(), "pid_for_children");
    int pidns = open_namespace(launch->pid, "pid");
    if (setns(pidns, CLONE_NEWPID) < 0)
        fail("setns", "pid");
    pid_t helper = fork();
    if (helper == 0) {
        fail_socket = launch->child_sync;
        fail_cleanup = NULL;
        mount = make_mount("proc", KERNEL_ATTRIBUTES, NULL);
        _exit(send_pid(answer[1], 0, mount) ? 0 : 1);
    }
    int error = errno;
    if (setns(own, CLONE_NEWPID) < 0)
        fail("setns", "pid, back");
    errno = error;
    if (helper < 0)
        fail("fork", "proc");
    close(answer[1]);
    bool made = receive_pid(answer[0], &member, &mount);
    while (waitpid(helper, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (!made) {
        errno = EIO;
        fail("fsmount", "proc, in its pid namespace");
    }
    close(answer[0]);
    close(own);
    close(pidns);
    return mount;
}

void make_kernel_filesystems(const struct launch *launch, struct mounts *mounts)
{
    const struct plan *plan = &launch->plan;
    const struct host *host = launch->host;

    enter_stage(STAGE_KERNEL_FILESYSTEMS);
    if ((plan->flags & PLAN_PROC) != 0)
        mounts->fd[MOUNT_PROC] = host->proc_has_pidns ? make_proc_by_option(launch->pid) : make_proc_by_member(launch);
    if ((plan->flags & (PLAN_SYSFS | PLAN_MQUEUE)) == 0)
        return;
    /* Both take the namespace of who mounts. A process that joins none but these may always mount them, where the
     * child may not: its proc or sysfs may be masked, or the namespace another's. */
    if (setns(launch->pidfd, CLONE_NEWNET | CLONE_NEWIPC) < 0)
        fail("setns", "pidfd, net and ipc");
    if ((plan->flags & PLAN_SYSFS) != 0)
        mounts->fd[MOUNT_SYSFS] =
            make_mount("sysfs", KERNEL_ATTRIBUTES | ((plan->flags & PLAN_SYSFS_WRITABLE) != 0 ? 0 : MOUNT_ATTR_RDONLY), NULL);
    if ((plan->flags & PLAN_MQUEUE) != 0)
        mounts->fd[MOUNT_MQUEUE] = make_mount("mqueue", KERNEL_ATTRIBUTES, NULL);
    if (setns(host->net_ns, CLONE_NEWNET) < 0 || setns(host->ipc_ns, CLONE_NEWIPC) < 0)
        fail("setns", "net and ipc, back");
}

/* ------------------------------------------------------------------ from the monitor to the child */

static unsigned fixed_mounts(const struct plan *plan, unsigned *which)
{
    static const struct {
        uint32_t flag;
        enum mount_fd place;
    } kernel_filesystems[] = {{PLAN_PROC, MOUNT_PROC}, {PLAN_SYSFS, MOUNT_SYSFS}, {PLAN_MQUEUE, MOUNT_MQUEUE}};
    unsigned count = 0;

    if (plan->root_kind != ROOT_NONE)
        which[count++] = MOUNT_ROOT;
    for (unsigned i = 0; i < sizeof kernel_filesystems / sizeof kernel_filesystems[0]; i++)
        if ((plan->flags & kernel_filesystems[i].flag) != 0)
            which[count++] = kernel_filesystems[i].place;
    for (unsigned i = 0; i < plan->attachments + plan->devices; i++)
        which[count++] = MOUNTS_FIXED + i;
    return count;
}

void send_mounts(const struct launch *launch, const struct mounts *mounts)
{
    unsigned which[MOUNT_FDS_MAX];
    int fds[MOUNT_FDS_MAX] = {0};
    unsigned count = fixed_mounts(&launch->plan, which);

    for (unsigned i = 0; i < count; i++)
        fds[i] = mounts->fd[which[i]];
    /* EPIPE: the child died; it told why, or its end does. */
    if (send_with_fds(launch->sync, "m", 1, fds, count) < 0 && errno != EPIPE)
        fail("sendmsg", "mounts");
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
}

void receive_mounts(const struct plan *plan, struct mounts *mounts)
{
    unsigned which[MOUNT_FDS_MAX];
    int fds[MOUNT_FDS_MAX];
    char byte;
    unsigned expected = fixed_mounts(plan, which), count;

    memset(mounts->fd, -1, sizeof mounts->fd);
    ssize_t got = receive_with_fds(FD_SYNC, &byte, sizeof byte, fds, MOUNT_FDS_MAX, &count);
    if (got == 0)
        _exit(1); /* the monitor is gone */
    if (got < 0 || count != expected)
        fail("recvmsg", "mounts: %u of %u", count, expected);
    for (unsigned i = 0; i < count; i++)
        mounts->fd[which[i]] = fds[i];
}

/* ------------------------------------------------------------------ in the child */

static int copy_of(const char *path)
{
    int tree = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC);

    if (tree < 0)
        fail("open_tree", "%s", path);
    return tree;
}

/* A mount point below dir, made when it is missing. */
static int mount_point(int dir, const char *path, bool directory)
{
    int target = open_here(dir, path, O_PATH);

    if (target < 0 && errno == ENOENT) {
        if ((directory ? mkdirat(dir, path, 0755) : mknodat(dir, path, S_IFREG | 0644, 0)) < 0)
            fail(directory ? "mkdirat" : "mknodat", "%s", path);
        target = open_here(dir, path, O_PATH);
    }
    if (target < 0)
        fail("openat2", "%s", path);
    return target;
}

static void attach_at(int mount, int dir, const char *path, bool directory)
{
    int target = mount_point(dir, path, directory);

    attach(mount, target, "", path);
    close(target);
}

#define PTYS_MAX "128" /* of the 3,072 that Linux leaves to all instances but the first (kernel.pty) */

/* Builds /dev aside, while the monitor builds the root. */
void build_devices(const struct plan *plan)
{
    static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const links[][2] = {
        {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
        {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},         {"/proc/kcore", "core"},
    };
    static const struct option dev_options[] = {{"mode", "755"}, {"size", "65536k"}, {NULL, NULL}};
    char shm_size[24];
    const struct option shm_options[] = {{"mode", "1777"}, {"size", shm_size}, {NULL, NULL}};
    static const struct option pts_options[] = {
        {"ptmxmode", "0666"}, {"mode", "0620"}, {"max", PTYS_MAX}, {"newinstance", NULL}, {NULL, NULL},
    };
    static const struct option pts_gid_options[] = {
        {"ptmxmode", "0666"}, {"mode", "0620"}, {"max", PTYS_MAX}, {"newinstance", NULL}, {"gid", "5"}, {NULL, NULL},
    };
    char path[32];

    enter_stage(STAGE_DEVICES);
    /* Each device is a mount of its own, so a node that is made here opens nothing. */
    int dev = make_mount("tmpfs", KERNEL_ATTRIBUTES | MOUNT_ATTR_STRICTATIME, dev_options);
    attach(dev, AT_FDCWD, PLACE_STAGE, "/dev");
    for (unsigned i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        format(path, sizeof path, PLACE_DEVICES "/%s", devices[i]);
        int device = copy_of(path);
        if (mknodat(dev, devices[i], S_IFREG | 0666, 0) < 0)
            fail("mknodat", "/dev/%s", devices[i]);
        attach(device, dev, devices[i], devices[i]);
        close(device);
    }
    for (unsigned i = 0; i < sizeof links / sizeof links[0]; i++)
        if (symlinkat(links[i][0], dev, links[i][1]) < 0)
            fail("symlinkat", "/dev/%s", links[i][1]);
    if (mkdirat(dev, "pts", 0755) < 0 || mkdirat(dev, "shm", 0755) < 0 || mkdirat(dev, "mqueue", 0755) < 0)
        fail("mkdirat", "/dev/pts, /dev/shm, /dev/mqueue");
    int pts = make_mount("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                         (plan->flags & PLAN_PTS_GID_5) != 0 ? pts_gid_options : pts_options);
    attach(pts, dev, "pts", "/dev/pts");
    close(pts);
    format(shm_size, sizeof shm_size, "%llu", (unsigned long long)plan->shm_bytes);
    int shm = make_mount("tmpfs", KERNEL_ATTRIBUTES, shm_options);
    attach(shm, dev, "shm", "/dev/shm");
    close(shm);
    close(dev);
}

static void attach_devices(const struct plan *plan, const struct mounts *mounts, int root)
{
    char path[4096];

    for (uint32_t i = 0; i < plan->devices; i++) {
        const char *name = plan->device[i].path.bytes;
        enter_item(plan->attachments + i);
        format(path, sizeof path, "dev/%s", name);
        for (char *slash = strchr(path + 4, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            close(mount_point(root, path, true));
            *slash = '/';
        }
        attach_at(mounts->fd[MOUNTS_FIXED + plan->attachments + i], root, path, false);
        close(mounts->fd[MOUNTS_FIXED + plan->attachments + i]);
    }
}

void setup_mounts(const struct plan *plan, const struct mounts *mounts)
{
    enter_stage(STAGE_MOUNTS);
    int root = mounts->fd[MOUNT_ROOT];
    attach(root, AT_FDCWD, PLACE_ROOT, "root");
    int dev_target = mount_point(root, "dev", true);
    if (sys_move_mount(AT_FDCWD, PLACE_STAGE, dev_target, "", MOVE_MOUNT_T_EMPTY_PATH) < 0)
        fail("move_mount", "/dev");
    close(dev_target);
    attach_devices(plan, mounts, root);
    enter_item(WIRE_NO_ITEM);
    if (mounts->fd[MOUNT_MQUEUE] >= 0)
        attach_at(mounts->fd[MOUNT_MQUEUE], root, "dev/mqueue", true);
    if (mounts->fd[MOUNT_PROC] >= 0)
        attach_at(mounts->fd[MOUNT_PROC], root, "proc", true);
    if (mounts->fd[MOUNT_SYSFS] >= 0)
        attach_at(mounts->fd[MOUNT_SYSFS], root, "sys", true);
    for (uint32_t i = 0; i < plan->attachments; i++) { /* after sysfs: the groups lie in it */
        enter_item(i);
        attach_at(mounts->fd[MOUNTS_FIXED + i], root, plan->attachment[i].target.bytes + 1, true);
    }
    enter_item(WIRE_NO_ITEM);
    if (plan->root_kind == ROOT_OVERLAY && plan->root_read_only != 0)
        change_attributes(root, (struct mount_attributes){.set = MOUNT_ATTR_RDONLY}, "root, read-only");
}

/*
 * What ip netns exec and nsenter show: the host's mounts, with sysfs and proc of the namespaces that were entered. Of what
 * the host mounts later, this copy hears; the host hears nothing of it (mount_namespaces(7), MS_SLAVE).
 */
void refresh_mounts(const struct plan *plan, const struct mounts *mounts)
{
    bool looks = mounts->fd[MOUNT_PROC] >= 0 || mounts->fd[MOUNT_SYSFS] >= 0 || plan->attachments > 0;

    enter_stage(STAGE_MOUNTS);
    if (mount(NULL, "/", NULL, MS_REC | (looks ? MS_SLAVE : MS_PRIVATE), NULL) < 0)
        fail("mount", "/, %s", looks ? "MS_SLAVE" : "MS_PRIVATE");
    if (mounts->fd[MOUNT_SYSFS] >= 0) {
        /* With the cgroups below it, and to be written unless a read-only one stays beneath: as ip netns exec does. */
        if (umount2("/sys", MNT_DETACH) == 0)
            change_attributes(mounts->fd[MOUNT_SYSFS], (struct mount_attributes){.clear = MOUNT_ATTR_RDONLY}, "/sys");
        attach(mounts->fd[MOUNT_SYSFS], AT_FDCWD, "/sys", "/sys");
        close(mounts->fd[MOUNT_SYSFS]);
    }
    if (mounts->fd[MOUNT_PROC] >= 0) {
        attach(mounts->fd[MOUNT_PROC], AT_FDCWD, "/proc", "/proc");
        close(mounts->fd[MOUNT_PROC]);
    }
    for (uint32_t i = 0; i < plan->attachments; i++) {
        attach(mounts->fd[MOUNTS_FIXED + i], AT_FDCWD, plan->attachment[i].target.bytes, plan->attachment[i].target.bytes);
        close(mounts->fd[MOUNTS_FIXED + i]);
    }
}

static int open_path(const struct mounts *mounts, const char *path)
{
    return open_here(mounts->fd[MOUNT_ROOT], path + 1, O_PATH);
}

static bool is_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/*
 * A mount point cannot be moved (rename(2), EBUSY), but what lies above it can: the next life would find something else under
 * the name. So each directory above is made a mount point as well.
 */
static void hold_parents(const struct plan *plan, const struct mounts *mounts, const char *path)
{
    char above[4096];

    if (plan->root_read_only != 0 || is_below(path, "/proc") || is_below(path, "/sys"))
        return; /* nobody inside renames there */
    format(above, sizeof above, "%s", path);
    for (char *slash = strchr(above + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        struct statx about;

        *slash = '\0';
        int directory = open_path(mounts, above);
        if (directory < 0 || statx(directory, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &about) < 0)
            fail(directory < 0 ? "openat2" : "statx", "%s", above);
        if ((about.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) {
            int tree = sys_open_tree(directory, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
            if (tree < 0)
                fail("open_tree", "%s", above);
            attach(tree, directory, "", above);
            close(tree);
        }
        close(directory);
        *slash = '/';
    }
}

/* Opens what is to be covered, and keeps it under its name; -1: it is not there, and so needs no hiding. */
static int hold_path(const struct plan *plan, const struct mounts *mounts, const char *path)
{
    int target = open_path(mounts, path);

    if (target < 0 && errno == ENOENT)
        return -1;
    if (target < 0)
        fail("openat2", "%s", path);
    close(target);
    hold_parents(plan, mounts, path);
    target = open_path(mounts, path); /* in the mounts that lie there now */
    if (target < 0)
        fail("openat2", "%s", path);
    return target;
}

void mask_paths(const struct plan *plan, const struct mounts *mounts)
{
    struct mount_attributes read_only = {.set = MOUNT_ATTR_RDONLY};
    struct stat about;
    const uint8_t *at = plan->masked.at;

    enter_stage(STAGE_MASKS);
    for (uint32_t i = 0; i < plan->masked.count; i++) {
        struct span path = span_next(&at);
        enter_item(i);
        int target = hold_path(plan, mounts, path.bytes);
        if (target < 0)
            continue;
        if (fstat(target, &about) < 0)
            fail("fstat", "%s", path.bytes);
        int cover = copy_of(S_ISDIR(about.st_mode) ? PLACE_EMPTY : PLACE_DEVICES "/null");
        attach(cover, target, "", path.bytes);
        close(cover);
        close(target);
    }
    at = plan->read_only.at;
    for (uint32_t i = 0; i < plan->read_only.count; i++) {
        struct span path = span_next(&at);
        enter_item(plan->masked.count + i);
        int target = hold_path(plan, mounts, path.bytes);
        if (target < 0)
            continue;
        /* With all that is mounted below: else what hides something there would be left behind, under the copy. */
        int tree = sys_open_tree(target, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
        if (tree < 0)
            fail("open_tree", "%s", path.bytes);
        if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &read_only) < 0)
            fail("mount_setattr", "%s", path.bytes);
        attach(tree, target, "", path.bytes);
        close(tree);
        close(target);
    }
}

void change_root(const struct plan *plan, const struct mounts *mounts)
{
    enter_stage(STAGE_PIVOT);
    if (fchdir(mounts->fd[MOUNT_ROOT]) < 0)
        fail("fchdir", "root");
    if (sys_pivot_root(".", ".") < 0)
        fail("pivot_root", "., .");
    /* The old root lies over the new one now, and "." is still it (pivot_root(2), NOTES). */
    if (umount2(".", MNT_DETACH) < 0)
        fail("umount2", "old root, MNT_DETACH");
    if (chdir("/") < 0)
        fail("chdir", "/");
    for (unsigned i = 0; i < MOUNTS_FIXED + plan->attachments; i++)
        if (mounts->fd[i] >= 0)
            close(mounts->fd[i]);
}

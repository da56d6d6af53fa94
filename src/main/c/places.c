/*
 * The spawner's mount namespace: the host's / and /dev, and nothing of what is mounted below them.
 */
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "launcher.h"
#include "syscalls.h"

static void bind_place(int tree, const char *place, uint64_t attributes)
{
    struct mount_attributes set = {.set = attributes, .propagation = MS_PRIVATE}; /* also a copy of a shared mount */

    if (tree < 0 || (mkdir(place, 0755) < 0 && errno != EEXIST))
        refuse(place);
    if (sys_mount_setattr(tree, "", AT_EMPTY_PATH, &set) < 0)
        refuse(place);
    if (sys_move_mount(tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        refuse(place);
    close(tree);
}

static void check_devices(void)
{
    static const struct {
        const char *path;
        unsigned major, minor;
    } devices[] = {
        {PLACE_DEVICES "/null", 1, 3},   {PLACE_DEVICES "/zero", 1, 5},    {PLACE_DEVICES "/full", 1, 7},
        {PLACE_DEVICES "/random", 1, 8}, {PLACE_DEVICES "/urandom", 1, 9}, {PLACE_DEVICES "/tty", 5, 0},
    };
    struct stat about;

    for (unsigned i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        errno = ENODEV;
        if (lstat(devices[i].path, &about) < 0 || !S_ISCHR(about.st_mode) ||
            about.st_rdev != makedev(devices[i].major, devices[i].minor))
            refuse(devices[i].path);
    }
}

/*
 * A mount namespace of its own that holds the host's / and /dev and nothing of what is mounted below them: it keeps
 * nothing alive that the host unmounts, and a child's copy of it is cheap (docs/adr/0002).
 */
void make_mount_namespace(void)
{
    int host = sys_open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | O_CLOEXEC);
    int devices = sys_open_tree(AT_FDCWD, "/dev", OPEN_TREE_CLONE | O_CLOEXEC);

    if (host < 0 || devices < 0)
        refuse("open_tree");
    if (unshare(CLONE_NEWNS) < 0)
        refuse("unshare(CLONE_NEWNS)");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        refuse("mount(/, MS_PRIVATE)");
    if (mount("seahaven", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=1m") < 0)
        refuse("mount(tmpfs)");
    if (chdir("/tmp") < 0 || sys_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        refuse("pivot_root");
    if (mkdir("/proc", 0755) < 0 || mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        refuse("mount(proc)");
    bind_place(host, PLACE_HOST, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    /* Read-only: devices work so, and their modes and owners stay the host's. */
    bind_place(devices, PLACE_DEVICES, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (mkdir(PLACE_EMPTY, 0555) < 0 || mkdir(PLACE_ROOT, 0755) < 0 || mkdir(PLACE_STAGE, 0755) < 0 ||
        mkdir(PLACE_WORK, 0700) < 0)
        refuse("mkdir");
    bind_place(sys_open_tree(AT_FDCWD, PLACE_EMPTY, OPEN_TREE_CLONE | O_CLOEXEC), PLACE_EMPTY,
               MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (getrandom(&work_key, sizeof work_key, 0) != (ssize_t)sizeof work_key)
        refuse("getrandom");
    check_devices();
}

/*
 * The kernel work of one POST /runs with all defaults, bare: a cgroup, clone3 with seven new namespaces into it, id maps,
 * an overlay over the host's / with a prepared tmpfs upper, /dev with its devices, devpts, shm and mqueue, proc, sysfs,
 * masks, read-only paths, loopback, host name, pivot_root, credentials, exec of a static program, wait, removal of the
 * cgroup. Hardened, it also loads the filter of system calls and makes, limits and enters the groups on v1 hierarchies that a
 * running sandbox of the daemon has. No init, no monitor, no log, no protocol, one process that does it all: nothing that does
 * the same can be faster without preparing worlds beforehand.
 */
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "../src/main/c/syscalls.h"

#define FILTER_MAX 4096 /* BPF_MAXINSNS */
#define GROUPS_MAX 8
#define FIRST_ID 4000000000u
#define CHECK(expression)                                                                                                      \
    do                                                                                                                         \
        if ((expression) < 0) {                                                                                                \
            fprintf(stderr, "floor: %s: %s\n", #expression, strerror(errno));                                                  \
            _exit(1);                                                                                                          \
        }                                                                                                                      \
    while (0)

static const char *program;
static char cgroup[256];
static int parent_cgroup, counter;
static struct sock_filter filter[FILTER_MAX];
static struct sock_fprog filter_program = {.filter = filter};
static char v1_parent[GROUPS_MAX][256];
static int v1_parent_fd[GROUPS_MAX];
static unsigned v1_groups;

static int make_mount(const char *type, unsigned attributes, const char *const (*options)[2])
{
    int fs;

    CHECK(fs = sys_fsopen(type));
    for (; options != NULL && (*options)[0] != NULL; options++)
        CHECK(
            sys_fsconfig(fs, (*options)[1] != NULL ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, (*options)[0], (*options)[1], 0));
    CHECK(sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    int mount = sys_fsmount(fs, attributes);
    CHECK(mount);
    close(fs);
    return mount;
}

static void attach(int mount, int dir, const char *path)
{
    CHECK(sys_move_mount(mount, "", dir, path, MOVE_MOUNT_F_EMPTY_PATH));
}

static void bind_at(int from_dir, const char *from, int dir, const char *path, uint64_t attributes)
{
    int tree = sys_open_tree(from_dir, from, OPEN_TREE_CLONE | O_CLOEXEC);
    struct mount_attributes set = {.set = attributes};

    if (tree < 0 && errno == ENOENT)
        return;
    CHECK(tree);
    if (attributes != 0)
        CHECK(sys_mount_setattr(tree, "", AT_EMPTY_PATH, &set));
    attach(tree, dir, path);
    close(tree);
}

static int make_overlay(void)
{
    static const struct {
        const char *path;
        mode_t mode;
        int opaque;
    } prepared[] = {
        {"etc", 0755, 0},  {"var", 0755, 0},      {"root", 0700, 1}, {"home", 0755, 1}, {"run", 0755, 1},
        {"tmp", 01777, 1}, {"var/tmp", 01777, 1}, {"dev", 0755, 1},  {"proc", 0555, 1}, {"sys", 0555, 1},
    };
    static const char *const upper_options[][2] = {{"mode", "0700"}, {"size", "64m"}, {NULL, NULL}};
    static const char *const options[][2] = {
        {"lowerdir", "/"}, {"upperdir", "/tmp/upper"}, {"workdir", "/tmp/work"}, {"volatile", NULL}, {NULL, NULL}};
    int upper = make_mount("tmpfs", MOUNT_ATTR_NODEV, upper_options);

    CHECK(mkdirat(upper, "upper", 0755));
    CHECK(mkdirat(upper, "work", 0700));
    int dir = openat(upper, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(dir);
    CHECK(fchown(dir, FIRST_ID, FIRST_ID));
    for (unsigned i = 0; i < sizeof prepared / sizeof prepared[0]; i++) {
        CHECK(mkdirat(dir, prepared[i].path, prepared[i].mode));
        int made = openat(dir, prepared[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(fchown(made, FIRST_ID, FIRST_ID));
        if (prepared[i].opaque)
            CHECK(fsetxattr(made, "trusted.overlay.opaque", "y", 1, 0));
        close(made);
    }
    close(dir);
    attach(upper, AT_FDCWD, "/tmp");
    int overlay = make_mount("overlay", MOUNT_ATTR_NODEV, options);
    CHECK(umount2("/tmp", MNT_DETACH));
    close(upper);
    return overlay;
}

static void write_file_at(int dir, const char *path, const char *text)
{
    int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);

    CHECK(fd);
    CHECK(write(fd, text, strlen(text)));
    close(fd);
}

static void write_file(const char *path, const char *text)
{
    write_file_at(AT_FDCWD, path, text);
}

static void make_dev(int root)
{
    static const char *const names[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const links[][2] = {{"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"},
                                           {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"},
                                           {"pts/ptmx", "ptmx"},          {"/proc/kcore", "core"}};
    static const char *const dev_options[][2] = {{"mode", "755"}, {"size", "65536k"}, {NULL, NULL}};
    static const char *const shm_options[][2] = {{"mode", "1777"}, {"size", "65536k"}, {NULL, NULL}};
    static const char *const pts_options[][2] = {
        {"ptmxmode", "0666"}, {"mode", "0620"}, {"newinstance", NULL}, {"gid", "5"}, {NULL, NULL}};
    char path[32];
    int dev = make_mount("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, dev_options);

    attach(dev, root, "dev");
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK(mknodat(dev, names[i], S_IFREG | 0666, 0));
        snprintf(path, sizeof path, "/media/%s", names[i]);
        bind_at(AT_FDCWD, path, dev, names[i], 0);
    }
    for (unsigned i = 0; i < sizeof links / sizeof links[0]; i++)
        CHECK(symlinkat(links[i][0], dev, links[i][1]));
    CHECK(mkdirat(dev, "pts", 0755));
    CHECK(mkdirat(dev, "shm", 0755));
    CHECK(mkdirat(dev, "mqueue", 0755));
    int mount = make_mount("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, pts_options);
    attach(mount, dev, "pts");
    close(mount);
    mount = make_mount("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, shm_options);
    attach(mount, dev, "shm");
    close(mount);
    mount = make_mount("mqueue", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, NULL);
    attach(mount, dev, "mqueue");
    close(mount);
    close(dev);
}

static void hide_paths(int proc, int sys)
{
    static const char *const files[] = {"interrupts",  "kcore",      "keys",       "latency_stats",
                                        "sched_debug", "timer_list", "timer_stats"};
    static const char *const dirs[] = {"acpi", "asound", "scsi"};
    static const char *const read_only[] = {"bus", "fs", "irq", "sys", "sysrq-trigger"};
    static const char *const options[][2] = {{"nr_blocks", "1"}, {"nr_inodes", "2"}, {NULL, NULL}};
    struct stat about;
    int empty = make_mount("tmpfs", MOUNT_ATTR_RDONLY, options);

    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++)
        if (fstatat(proc, files[i], &about, 0) == 0)
            bind_at(AT_FDCWD, "/media/null", proc, files[i], 0);
    for (unsigned i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
        if (fstatat(proc, dirs[i], &about, 0) == 0)
            attach(empty, proc, dirs[i]);
    if (fstatat(sys, "firmware", &about, 0) == 0)
        bind_at(proc, "acpi", sys, "firmware", 0);
    for (unsigned i = 0; i < sizeof read_only / sizeof read_only[0]; i++)
        bind_at(proc, read_only[i], proc, read_only[i], MOUNT_ATTR_RDONLY);
    close(empty);
}

static void take_credentials(void)
{
    const uint64_t kept = 0x800405fb;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.effective = (uint32_t)kept, .permitted = (uint32_t)kept}};

    for (unsigned i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
        if ((kept >> i & 1) == 0)
            CHECK(prctl(PR_CAPBSET_DROP, i, 0, 0, 0));
    CHECK(syscall(SYS_capset, &header, data));
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

__attribute__((noreturn)) static void child(int go, int overlay, const int *groups)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    char byte;

    CHECK(read(go, &byte, 1));
    for (unsigned i = 0; groups != NULL && i < v1_groups; i++)
        write_file_at(groups[i], "tasks", "0");
    CHECK(syscall(SYS_setgroups, 0, NULL));
    CHECK(syscall(SYS_setresgid, 0, 0, 0));
    CHECK(syscall(SYS_setresuid, 0, 0, 0));
    CHECK(unshare(CLONE_NEWCGROUP));
    CHECK(sethostname("floor", 5));
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(ioctl(fd, SIOCSIFFLAGS, &request));
    close(fd);
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    attach(overlay, AT_FDCWD, "/mnt");
    make_dev(overlay);
    int proc = make_mount("proc", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, NULL);
    attach(proc, overlay, "proc");
    int sys = make_mount("sysfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, NULL);
    attach(sys, overlay, "sys");
    hide_paths(proc, sys);
    CHECK(fchdir(overlay));
    CHECK(sys_pivot_root(".", "."));
    CHECK(umount2(".", MNT_DETACH));
    CHECK(chdir("/"));
    take_credentials();
    sys_close_range(3, ~0u, 0);
    setsid();
    if (groups != NULL)
        CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter_program));
    execve(program, (char *const[]){(char *)(uintptr_t)program, NULL}, (char *const[]){NULL});
    _exit(127);
}

void floor_prepare(const char *cgroup2, const char *executed)
{
    program = executed;
    snprintf(cgroup, sizeof cgroup, "%s/seahaven-floor", cgroup2);
    if (mkdir(cgroup, 0755) < 0 && errno != EEXIST)
        CHECK(-1);
    CHECK(parent_cgroup = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CHECK(unshare(CLONE_NEWNS));
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    /* Without what is mounted below it: a tree with locked children cannot be copied by the child. */
    int tree = sys_open_tree(AT_FDCWD, "/dev", OPEN_TREE_CLONE | O_CLOEXEC);
    CHECK(tree);
    attach(tree, AT_FDCWD, "/media");
}

void floor_begin_worker(void)
{
    CHECK(unshare(CLONE_NEWNS));
}

/* Where the hierarchy of a controller is mounted. */
static void find_v1(const char *controller, char *found, size_t size)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char line[1024], point[200], options[256];

    while (fgets(line, sizeof line, mounts) != NULL) {
        char *type = strstr(line, " - cgroup ");
        if (type == NULL || sscanf(type, " - cgroup %*s %255s", options) != 1 ||
            sscanf(line, "%*s %*s %*s %*s %199s", point) != 1)
            continue;
        for (char *option = strtok(options, ","); option != NULL; option = strtok(NULL, ","))
            if (strcmp(option, controller) == 0)
                snprintf(found, size, "%s/seahaven-floor", point);
    }
    fclose(mounts);
}

void floor_copy_hardening(pid_t command)
{
    char path[64], line[512], controller[64];

    CHECK(ptrace(PTRACE_ATTACH, command, NULL, NULL));
    CHECK(waitpid(command, NULL, __WALL));
    long instructions = ptrace(PTRACE_SECCOMP_GET_FILTER, command, NULL, filter);
    CHECK(instructions);
    CHECK(ptrace(PTRACE_DETACH, command, NULL, NULL));
    filter_program.len = (unsigned short)instructions;

    snprintf(path, sizeof path, "/proc/%d/cgroup", command);
    FILE *groups = fopen(path, "re");
    while (groups != NULL && fgets(line, sizeof line, groups) != NULL && v1_groups < GROUPS_MAX)
        if (strstr(line, ":/seahaven") != NULL && sscanf(line, "%*u:%63[^,:]", controller) == 1) {
            find_v1(controller, v1_parent[v1_groups], sizeof v1_parent[0]);
            if (mkdir(v1_parent[v1_groups], 0755) < 0 && errno != EEXIST)
                CHECK(-1);
            CHECK(v1_parent_fd[v1_groups] = open(v1_parent[v1_groups], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            v1_groups++;
        }
    CHECK(groups != NULL ? fclose(groups) : -1);
}

static void limit(int group, const char *file, const char *text)
{
    if (faccessat(group, file, W_OK, 0) == 0)
        write_file_at(group, file, text);
}

static void make_v1_groups(const char *name, int *groups)
{
    for (unsigned i = 0; i < v1_groups; i++) {
        CHECK(mkdirat(v1_parent_fd[i], name, 0755));
        CHECK(groups[i] = openat(v1_parent_fd[i], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        limit(groups[i], "memory.limit_in_bytes", "1073741824");
        limit(groups[i], "memory.memsw.limit_in_bytes", "1073741824");
        limit(groups[i], "pids.max", "512");
    }
}

void floor_run(bool hardened)
{
    char name[32], path[64], map[64];
    int go[2], groups[GROUPS_MAX], pidfd = -1;

    snprintf(name, sizeof name, "%d-%d", getpid(), counter++);
    CHECK(mkdirat(parent_cgroup, name, 0755));
    int group = openat(parent_cgroup, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(group);
    if (hardened)
        make_v1_groups(name, groups);
    int overlay = make_overlay();
    CHECK(pipe2(go, O_CLOEXEC));
    struct clone_args arguments = {
        .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_PIDFD |
                 CLONE_INTO_CGROUP,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .cgroup = (uint64_t)(unsigned)group,
        .exit_signal = SIGCHLD,
    };
    long pid = sys_clone3(&arguments);
    CHECK(pid);
    if (pid == 0)
        child(go[0], overlay, hardened ? groups : NULL);
    snprintf(map, sizeof map, "0 %u 65536\n", FIRST_ID);
    snprintf(path, sizeof path, "/proc/%ld/uid_map", pid);
    write_file(path, map);
    snprintf(path, sizeof path, "/proc/%ld/gid_map", pid);
    write_file(path, map);
    CHECK(write(go[1], "g", 1));
    int status;
    CHECK(waitpid((pid_t)pid, &status, 0));
    if (status != 0) {
        fprintf(stderr, "floor: the program ended with status %d\n", status);
        _exit(1);
    }
    close(go[0]);
    close(go[1]);
    close(pidfd);
    close(overlay);
    close(group);
    CHECK(unlinkat(parent_cgroup, name, AT_REMOVEDIR));
    for (unsigned i = 0; hardened && i < v1_groups; i++) {
        close(groups[i]);
        CHECK(unlinkat(v1_parent_fd[i], name, AT_REMOVEDIR));
    }
}

void floor_finish(void)
{
    close(parent_cgroup);
    (void)rmdir(cgroup);
    for (unsigned i = 0; i < v1_groups; i++) {
        close(v1_parent_fd[i]);
        (void)rmdir(v1_parent[i]);
    }
}

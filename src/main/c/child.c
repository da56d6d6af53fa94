/* The child: what happens inside, and the command. */
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "launcher.h"
#include "syscalls.h"

/* ------------------------------------------------------------------ before the command */

/* First step of the child: from here on it holds what enum child_fd names and nothing else. */
static void arrange_descriptors(const struct launch *launch)
{
    const struct plan *plan = &launch->plan;
    const int from[FD_FIRST_FREE] = {
        [FD_STDIN] = plan->fd_stdin == WIRE_NO_FD ? FD_NULL : launch->fds[plan->fd_stdin],
        [FD_STDOUT] = launch->child_out[1],
        [FD_STDERR] = launch->child_err[1],
        [FD_SYNC] = launch->child_sync,
        [FD_STATUS] = launch->child_status,
        [FD_PROC] = launch->host->proc,
    };
    for (int fd = 0; fd < FD_FIRST_FREE; fd++)
        if (dup3(from[fd], fd, fd <= FD_STDERR ? 0 : O_CLOEXEC) < 0)
            fail("dup3", "%d", fd);
    fail_socket = FD_SYNC;
    if (sys_close_range(FD_FIRST_FREE, ~0u, 0) < 0)
        fail("close_range", "%d", FD_FIRST_FREE);
}

/* On v1 the child moves itself, which waits for nothing; on v2 it was cloned into its group. */
static void enter_v1_groups(const struct launch *launch)
{
    enter_stage(STAGE_CGROUP);
    for (uint32_t i = 0; i < launch->plan.v1_groups; i++) {
        enter_item(i);
        int tasks = openat(launch->fds[launch->plan.v1_group[i]], "tasks", O_WRONLY | O_CLOEXEC);
        if (tasks < 0 || !write_all(tasks, "0", 1))
            fail("write", "tasks of v1 group %u", i);
        close(tasks);
    }
}

static void enter_cgroup_namespace(const struct plan *plan)
{
    enter_stage(STAGE_CGROUP);
    if ((plan->flags & PLAN_CGROUP_NS) != 0 && unshare(CLONE_NEWCGROUP) < 0)
        fail("unshare", "CLONE_NEWCGROUP");
}

static void set_hostname(const struct plan *plan)
{
    enter_stage(STAGE_HOSTNAME);
    if (plan->hostname.length != 0 && sethostname(plan->hostname.bytes, plan->hostname.length) < 0)
        fail("sethostname", "%s", plan->hostname.bytes);
}

static void set_loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

    enter_stage(STAGE_NETWORK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket", "AF_INET");
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        fail("ioctl", "SIOCSIFFLAGS, lo");
    close(fd);
}

/* The kernel shows everyone the same sys, and takes the namespaces of who writes. */
static void set_sysctls(const struct plan *plan)
{
    const uint8_t *at = plan->sysctls.at;
    char path[4096];

    enter_stage(STAGE_SYSCTLS);
    for (uint32_t i = 0; i < plan->sysctls.count / 2; i++) {
        struct span name = span_next(&at), value = span_next(&at);
        enter_item(i);
        format(path, sizeof path, "sys/%s", name.bytes);
        int fd = open_proc(path);
        if (fd < 0)
            fail("open", "%s", path);
        if (!write_all(fd, value.bytes, value.length))
            fail("write", "%s", path);
        close(fd);
    }
}

/* Dies with the monitor. A change of ids clears this (prctl(2)), so it comes after; the monitor may be dead already. */
static void die_with_monitor(void)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        fail("prctl", "PR_SET_PDEATHSIG");
    char byte;
    if (recv(FD_SYNC, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        _exit(1);
}

/* What happens inside, in order. */
void sandbox_child(struct launch *launch)
{
    const struct plan *plan = &launch->plan;
    struct mounts mounts;

    fail_socket = launch->child_sync;
    fail_cleanup = NULL;
    enter_v1_groups(launch);
    enter_stage(STAGE_DESCRIPTORS);
    arrange_descriptors(launch);
    wait_for_maps();
    if (plan->kind != LAUNCH_KEEPER || (plan->new_namespaces & CLONE_NEWUSER) != 0)
        become_inside_root(plan);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    die_with_monitor();
    enter_cgroup_namespace(plan);
    set_hostname(plan);
    if ((plan->flags & PLAN_LOOPBACK) != 0)
        set_loopback_up();
    set_sysctls(plan);
    if (plan->root_kind != ROOT_NONE)
        build_devices(plan);
    receive_mounts(plan, &mounts);
    if (plan->root_kind != ROOT_NONE) {
        setup_mounts(plan, &mounts);
        mask_paths(plan, &mounts);
        change_root(plan, &mounts);
    } else if ((plan->new_namespaces & CLONE_NEWNS) != 0) {
        refresh_mounts(plan, &mounts);
    }
    if (plan->kind == LAUNCH_KEEPER)
        run_keeper(launch);
    if ((plan->flags & PLAN_INIT) != 0)
        run_init(launch);
    if (setsid() < 0 && errno != EPERM)
        fail("setsid", "command");
    run_command(launch);
}

/* ------------------------------------------------------------------ the command */

/* No link of /proc is followed: a descriptor that is still open here must not become a way out. */
static void enter_working_directory(const struct plan *plan)
{
    enter_stage(STAGE_WORKING_DIRECTORY);
    int dir = sys_openat2(AT_FDCWD, plan->working_directory.bytes, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_MAGICLINKS);
    if (dir < 0)
        fail("openat2", "%s", plan->working_directory.bytes);
    if (fchdir(dir) < 0)
        fail("fchdir", "%s", plan->working_directory.bytes);
    close(dir);
}

static const char *search_path(char *const *environment)
{
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, "PATH=", 5) == 0)
            return *environment + 5;
    return "";
}

/* Looks a name without a slash up as a shell does: a program that may not be executed is told only when no other is found. */
static void execute(char *const *arguments, char *const *environment)
{
    const char *name = arguments[0];
    static char path[4096];
    int error = ENOENT;

    if (strchr(name, '/') != NULL) {
        execve(name, arguments, environment);
        return;
    }
    for (const char *at = search_path(environment); name[0] != '\0' && *at != '\0';) {
        size_t length = strcspn(at, ":");
        if (length > 0 && length + 1 + strlen(name) < sizeof path) {
            memcpy(path, at, length);
            path[length] = '/';
            strcpy(path + length + 1, name);
            execve(path, arguments, environment);
            if (errno != ENOENT && errno != ENOTDIR)
                error = errno;
            if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
                break;
        }
        at += length + (at[length] == ':');
    }
    errno = error;
}

/* The members of a list as execve(2) takes them; the memory lives until then. */
static char **vector_of(struct span_list list)
{
    char **vector = sbrk((intptr_t)((list.count + 1) * sizeof *vector));

    if (vector == (void *)-1)
        fail("brk", "%u arguments", list.count);
    for (uint32_t i = 0; i < list.count; i++)
        vector[i] = (char *)(uintptr_t)span_next(&list.at).bytes;
    vector[list.count] = NULL;
    return vector;
}

void run_command(const struct launch *launch)
{
    const struct plan *plan = &launch->plan;
    char **arguments = vector_of(plan->arguments);
    char **environment = vector_of(plan->environment);

    /* Landlock and seccomp take no new privileges or CAP_SYS_ADMIN, which ends with the credentials; a filter that could
     * stop the steps between comes last. */
    bool no_new_privileges = (plan->flags & PLAN_NO_NEW_PRIVS) != 0;
    leave_keyring();
    set_rlimits(launch);
    set_label(plan);
    close(FD_PROC); /* no path of the plan may lead through it */
    if (no_new_privileges)
        forbid_new_privileges();
    restrict_with_landlock(plan);
    if (!no_new_privileges)
        load_filter(plan);
    setup_credentials(plan);
    enter_working_directory(plan);
    umask(022);
    if (no_new_privileges)
        load_filter(plan);
    enter_stage(STAGE_EXEC);
    launch->progress->executed_nanos = clock_nanos(CLOCK_REALTIME);
    launch->progress->executed_monotonic_nanos = clock_nanos(CLOCK_MONOTONIC);
    execute(arguments, environment);
    int error = errno;
    launch->progress->executed_nanos = 0; /* it was not, and the monitor may not have looked at the report yet */
    launch->progress->executed_monotonic_nanos = 0;
    errno = error;
    fail("execve", "%s", arguments[0]);
}

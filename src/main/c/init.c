#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"
#include "syscalls.h"

static void close_all_but(int kept)
{
    if (kept > 0)
        sys_close_range(0, (unsigned)kept - 1, 0); /* -1 keeps none */
    sys_close_range((unsigned)kept + 1, ~0u, 0);
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
    set_rlimits(plan);
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

/* ------------------------------------------------------------------ init */

static void report_status(int status)
{
    (void)write_all(FD_STATUS, &status, sizeof status);
}

/* Returns whether the command is among the dead. */
static bool reap(pid_t command)
{
    int status;
    pid_t pid;
    bool ended = false;

    while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
        if (pid == command) {
            report_status(status);
            ended = true;
        }
    return ended;
}

/* In init's memory, while init waits for the exec: a copy of it would be thrown away at once. */
static int start_command(void *launch)
{
    sigset_t none;

    if (setsid() < 0)
        fail("setsid", "command");
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    run_command(launch);
}

/*
 * Forwards signals to the command and reaps orphans, until the command ends; the kernel then kills what is left of the
 * pid namespace (pid_namespaces(7)). It never executes a program, so it is not dumpable for life.
 */
void run_init(const struct launch *launch)
{
    const struct plan *plan = &launch->plan;
    sigset_t all;
    siginfo_t info;

    enter_stage(STAGE_INIT);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if ((plan->flags & PLAN_PID_SHARED) != 0 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        fail("prctl", "PR_SET_CHILD_SUBREAPER");
    static _Alignas(16) char stack[64 * 1024];
    pid_t command = clone(start_command, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)(uintptr_t)launch);
    if (command < 0)
        fail("clone", "command");
    keep_only_kill();
    close_all_but(FD_STATUS);
    for (;;) {
        int signal = sigwaitinfo(&all, &info);
        if (signal == SIGCHLD && reap(command))
            _exit(0);
        if (signal > 0 && signal != SIGCHLD)
            kill(command, signal);
    }
}

/*
 * Stays in its namespaces, and as pid 1 reaps. TERM asks it to go as soon as it is alone: as pid 1 it would take everyone
 * with it.
 */
void run_keeper(const struct launch *launch)
{
    sigset_t all;
    bool leaves = false;

    enter_stage(STAGE_INIT);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_NAME, "seahaven-keep", 0, 0, 0);
    if (setsid() < 0 && errno != EPERM)
        fail("setsid", "keeper");
    if (getpid() == 1)
        keep_only_kill();
    if (chdir("/") < 0)
        fail("chdir", "/");
    launch->progress->executed_nanos = clock_nanos(CLOCK_REALTIME);
    launch->progress->executed_monotonic_nanos = clock_nanos(CLOCK_MONOTONIC);
    close_all_but(-1);
    for (;;) {
        const struct timespec second = {.tv_sec = 1};
        siginfo_t info = {0};
        int signal = sigtimedwait(&all, &info, leaves ? &second : NULL);
        if (signal == SIGTERM && (getpid() != 1 || info.si_pid == 0)) /* from outside of its namespace */
            leaves = true;
        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
            continue;
        if (leaves && (getpid() != 1 || (kill(-1, 0) < 0 && errno == ESRCH)))
            _exit(0);
    }
}

/* Pid 1 of a sandbox, and the keeper of namespaces: they execute nothing, and are never dumpable. */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"
#include "syscalls.h"

static char *first_argument;
static size_t arguments_size;

void remember_arguments(char *first)
{
    first_argument = first;
    arguments_size = strlen(first) + 1;
}

/* The name that ps shows, long and short: what is left of the spawner's own would tell who made the sandbox. */
static void call_this_process(const char *name)
{
    prctl(PR_SET_NAME, name, 0, 0, 0);
    if (strlen(name) < arguments_size) {
        memset(first_argument, 0, arguments_size);
        memcpy(first_argument, name, strlen(name));
    }
}

static void close_all_but(int kept)
{
    if (kept > 0)
        sys_close_range(0, (unsigned)kept - 1, 0); /* -1 keeps none */
    sys_close_range((unsigned)kept + 1, ~0u, 0);
}

static void report_status(int status)
{
    (void)write_all(FD_STATUS, &status, sizeof status);
}

/* Returns whether the command is among the dead, and with which status. */
static bool reap(pid_t command, int *command_status)
{
    int status;
    pid_t pid;
    bool ended = false;

    while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
        if (pid == command) {
            report_status(status);
            *command_status = status;
            ended = true;
        }
    return ended;
}

/* As shells have it. The monitor knows better by the report; where it was killed, this is all that the daemon finds. */
static int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
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
    call_this_process("init");
    if ((plan->flags & PLAN_PID_SHARED) != 0 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        fail("prctl", "PR_SET_CHILD_SUBREAPER");
    static _Alignas(16) char stack[64 * 1024];
    pid_t command = clone(start_command, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)(uintptr_t)launch);
    if (command < 0)
        fail("clone", "command");
    keep_only_kill();
    close_all_but(FD_STATUS);
    for (;;) {
        int status;
        int signal = sigwaitinfo(&all, &info);
        if (signal == SIGCHLD && reap(command, &status))
            _exit(exit_code(status));
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
    call_this_process("seahaven-keep");
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

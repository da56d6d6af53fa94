/*
 * The launcher: spawner, monitor, joiner, child, init. It decides nothing: a plan (wire.h) says all, and whatever cannot be
 * done as it says ends the launch with a report. The daemon starts it from a sealed memfd, with its request socket as
 * standard input.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

static void reset_signals(void)
{
    sigset_t none;

    for (int signal = 1; signal < NSIG; signal++)
        (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    for (int signal = 32; signal < 34; signal++) { /* which the C library keeps for itself */
        const uint64_t action[4] = {0};            /* struct sigaction of the kernel: SIG_DFL, no flags */
        (void)syscall(SYS_rt_sigaction, signal, action, NULL, sizeof action[0]);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * What the daemon was given is nobody else's: all that is started from here begins as the kernel's first process does. Where
 * the daemon lacks the right to go back (to a higher priority, say), it stays as it is.
 */
static void reset_scheduling(void)
{
    static const uint8_t all[1024] = {[0 ... 1023] = 0xff}; /* processors; those that there are not are passed over */
    const struct sched_param none = {0};

    (void)syscall(SYS_sched_setaffinity, 0, sizeof all, all);
    (void)sched_setscheduler(0, SCHED_OTHER, &none);
    (void)setpriority(PRIO_PROCESS, 0, 0);
    (void)syscall(SYS_ioprio_set, 1, 0, 0); /* IOPRIO_WHO_PROCESS, this one, IOPRIO_CLASS_NONE */
    (void)personality(0);
    (void)prctl(PR_SET_TIMERSLACK, 50000, 0, 0, 0);
}

/*
 * What is launched begins in these v1 groups, and sees them as its own: to enter each at every launch would take longer than
 * all else. Without them a JVM finds no limits at all.
 */
static void enter_groups(char **environment)
{
    static const char group[] = "GROUP=";
    char path[4096];

    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, group, sizeof group - 1) != 0)
            continue;
        format(path, sizeof path, "%s/cgroup.procs", *environment + sizeof group - 1);
        int procs = open(path, O_WRONLY | O_CLOEXEC);
        (void)write_all(procs, "0", 1);
        close(procs);
        memset(*environment, 0, strlen(*environment)); /* who reads that of an init would be told */
    }
}

int main(int count, char **arguments)
{
    struct host host = {0};

    reset_signals();
    reset_scheduling();
    enter_groups(environ);
    if (count > 0)
        remember_arguments(arguments[0]);
    (void)setsid();
    (void)umask(0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NAME, "seahaven-spawn", 0, 0, 0);
#ifdef SEAHAVEN_FAULTS
    read_faults();
#endif
    run_spawner(&host);
}

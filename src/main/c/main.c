/*
 * The launcher: spawner, monitor, joiner, child, init. It decides nothing: a plan (wire.h) says all, and whatever cannot be
 * done as it says ends the launch with a report. The daemon starts it from a sealed memfd, with its request socket as
 * standard input.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

static void reset_signals(void)
{
    sigset_t none;

    for (int signal = 1; signal < NSIG; signal++)
        (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int count, char **arguments)
{
    struct host host = {0};

    reset_signals();
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

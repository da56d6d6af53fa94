/* The spawner: takes requests, keeps monitors waiting for them, and reaps. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "launcher.h"
#include "syscalls.h"

__attribute__((noreturn)) void refuse(const char *what)
{
    dprintf(STDERR_FILENO, "seahaven launcher: %s: %s\n", what, strerror(errno));
    exit(1);
}

static bool probe_proc_pidns(void)
{
    int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    int fs = sys_fsopen("proc");
    bool known = own >= 0 && fs >= 0 && sys_fsconfig(fs, FSCONFIG_SET_FD, "pidns", NULL, own) == 0;

    close(own);
    close(fs);
    return known;
}

static uint64_t half_of_all_threads(void)
{
    char text[32] = "";
    int fd = open("/proc/sys/kernel/threads-max", O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
        refuse("/proc/sys/kernel/threads-max");
    close(fd);
    return strtoull(text, NULL, 10) / 2;
}

/* Moves the request socket away from standard input. */
static int take_requests(void)
{
    /* The daemon's JVM opens files without close-on-exec. */
    if (sys_close_range(STDERR_FILENO + 1, ~0u, 0) < 0)
        refuse("close_range");
    int requests = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, FD_NULL + 1);

    if (requests < 0)
        refuse("request socket");
    return requests;
}

/* On every number up to FD_NULL: of the read-only mount, for whoever is root of the host inside could change its mode. */
static void fill_with_null(void)
{
    int null = open(PLACE_DEVICES "/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        refuse(PLACE_DEVICES "/null");
    for (int fd = 0; fd <= FD_NULL; fd++)
        if (fd != STDERR_FILENO && fd != null && dup3(null, fd, O_CLOEXEC) < 0)
            refuse("dup3");
    if (null > FD_NULL)
        close(null);
}

static void reap_monitors(int signals)
{
    struct signalfd_siginfo info;
    pid_t pid;

    if (read(signals, &info, sizeof info) < 0)
        return;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        free_seat(pid);
        remove_work(pid);
    }
}

static bool fill_seats(const struct host *host)
{
    while (reserve_seat()) {
        pid_t pid = fork();
        if (pid == 0)
            run_monitor(host);
        if (pid < 0) {
            return_seat();
            return false; /* out of processes or memory: the next round tries again */
        }
    }
    return true;
}

/* Descriptors that no monitor needs lie above all others, where each monitor closes everything. */
static int away_from_monitors(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 64);

    if (moved < 0)
        refuse("fcntl(F_DUPFD_CLOEXEC)");
    close(fd);
    return moved;
}

/* What a monitor opens must come after all that it keeps, so the numbers between are taken. */
static void fix_last_descriptor(struct host *host)
{
    const int kept[] = {host->requests, host->wanted, host->net_ns, host->ipc_ns, host->proc};
    int fd;

    for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (kept[i] > host->last_fd)
            host->last_fd = kept[i];
    do
        fd = fcntl(FD_NULL, F_DUPFD_CLOEXEC, 0);
    while (fd >= 0 && fd < host->last_fd);
    if (fd < 0)
        refuse("fcntl(F_DUPFD_CLOEXEC)");
    close(fd);
}

/* Before the first monitor is forked: what each of them inherits. */
static void prepare_host(struct host *host)
{
    host->requests = take_requests();
    make_mount_namespace();
    fill_with_null();
    host->net_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    host->ipc_ns = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
    if (host->net_ns < 0 || host->ipc_ns < 0)
        refuse("/proc/self/ns");
    host->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (host->proc < 0)
        refuse("/proc");
    host->processes = half_of_all_threads();
    host->proc_has_pidns = probe_proc_pidns();
    if (dup3(FD_NULL, STDERR_FILENO, O_CLOEXEC) < 0)
        refuse("dup3");
}

void run_spawner(struct host *host)
{
    int wanted[2];
    sigset_t child;
    char bytes[16];

    prepare_host(host);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    int signals = signalfd(-1, &child, SFD_CLOEXEC);
    if (signals < 0 || pipe2(wanted, O_CLOEXEC) < 0 || !make_seats())
        refuse("signalfd, pipe2, mmap");
    host->wanted = wanted[1];
    int want = away_from_monitors(wanted[0]);
    signals = away_from_monitors(signals);
    fix_last_descriptor(host);
    host->spawner = getpid();
    if (send(host->requests, "r", 1, MSG_NOSIGNAL) != 1) /* ready */
        _exit(1);
    for (;;) {
        bool full = fill_seats(host);
        struct pollfd polled[] = {
            {.fd = want, .events = POLLIN}, {.fd = signals, .events = POLLIN}, {.fd = host->requests, .events = 0}};
        if (poll(polled, 3, full ? -1 : 10) < 0)
            continue;
        if (polled[0].revents != 0 && read(want, bytes, sizeof bytes) < 0)
            continue;
        if (polled[1].revents != 0)
            reap_monitors(signals);
        if (polled[2].revents != 0)
            _exit(0); /* the daemon is gone; monitors at work carry on */
    }
}

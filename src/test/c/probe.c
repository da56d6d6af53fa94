/*
 * What integration tests run inside of sandboxes: a static program without dependencies. Each word is one probe.
 *
 *   orphan          forks twice, lets the middle die, and tells whether the orphan is reaped (no zombie stays)
 *   flood N         writes N bytes, counting letters
 *   term            waits for SIGTERM and exits with 7
 *   stubborn        ignores SIGTERM
 *   clocks          prints CLOCK_MONOTONIC and CLOCK_BOOTTIME, seconds
 *   descriptors     prints what is open
 *   dumpable PID    tells whether /proc/PID/mem can be opened
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void on_term(int signal)
{
    (void)signal;
    _exit(7);
}

static int orphan(void)
{
    int pipe_fds[2];
    pid_t child, grandchild = 0;

    if (pipe(pipe_fds) < 0)
        return 2;
    if ((child = fork()) == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            usleep(100000);
            _exit(0);
        }
        if (write(pipe_fds[1], &pid, sizeof pid) != sizeof pid)
            _exit(2);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    if (read(pipe_fds[0], &grandchild, sizeof grandchild) != sizeof grandchild)
        return 2;
    for (int i = 0; i < 50; i++) {
        usleep(20000);
        if (kill(grandchild, 0) < 0 && errno == ESRCH) {
            puts("reaped");
            return 0;
        }
    }
    puts("zombie");
    return 1;
}

static int flood(long long total)
{
    char line[64 * 1024];

    for (size_t i = 0; i < sizeof line; i++)
        line[i] = (char)(i % 64 == 63 ? '\n' : 'a' + (i / 64) % 26);
    while (total > 0) {
        size_t part = total < (long long)sizeof line ? (size_t)total : sizeof line;
        ssize_t written = write(1, line, part);
        if (written < 0)
            return 1;
        total -= written;
    }
    return 0;
}

static int descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;

    if (dir == NULL)
        return 1;
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(dir))
            puts(entry->d_name);
    return 0;
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    struct timespec monotonic, boottime;

    if (strcmp(what, "orphan") == 0)
        return orphan();
    if (strcmp(what, "flood") == 0)
        return flood(atoll(arguments[2]));
    if (strcmp(what, "term") == 0) {
        signal(SIGTERM, on_term);
        puts("ready");
        fflush(stdout);
        for (;;)
            pause();
    }
    if (strcmp(what, "stubborn") == 0) {
        signal(SIGTERM, SIG_IGN);
        puts("ready");
        fflush(stdout);
        for (;;)
            pause();
    }
    if (strcmp(what, "clocks") == 0) {
        clock_gettime(CLOCK_MONOTONIC, &monotonic);
        clock_gettime(CLOCK_BOOTTIME, &boottime);
        printf("%lld %lld\n", (long long)monotonic.tv_sec, (long long)boottime.tv_sec);
        return 0;
    }
    if (strcmp(what, "descriptors") == 0)
        return descriptors();
    if (strcmp(what, "dumpable") == 0) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%s/mem", arguments[2]);
        puts(open(path, O_RDONLY) >= 0 ? "open" : strerror(errno));
        return 0;
    }
    return 2;
}

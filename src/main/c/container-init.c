/*
 * Pid 1 of the container image: starts the daemon, hands signals on to it, and reaps all others, for orphaned monitors of
 * sandboxes become children of pid 1, and a JVM reaps no strangers.
 *
 *   seahaven-init COMMAND [ARGUMENT...]
 *   seahaven-init --health SOCKET     asks the daemon for its health: status 0 when it is well
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char request[] = "GET /actuator/health/watchdog HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
static const char well[] = "HTTP/1.1 200 ";

static int health(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 5}; /* the engine waits for twice as long */
    char answer[sizeof well - 1];
    size_t have = 0;
    ssize_t got = 1;

    if (strlen(path) >= sizeof address.sun_path)
        return 2;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        write(fd, request, sizeof request - 1) != (ssize_t)sizeof request - 1) {
        perror(path);
        return 1;
    }
    while (have < sizeof answer && (got = read(fd, answer + have, sizeof answer - have)) > 0)
        have += (size_t)got;
    return have == sizeof answer && memcmp(answer, well, sizeof answer) == 0 ? 0 : 1;
}

int main(int count, char **arguments)
{
    sigset_t all;
    siginfo_t info;
    int status;

    if (count == 3 && strcmp(arguments[1], "--health") == 0)
        return health(arguments[2]);
    if (count < 2) {
        fprintf(stderr, "usage: seahaven-init COMMAND [ARGUMENT...] | --health SOCKET\n");
        return 2;
    }
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    /* With the host's pid namespace it is not pid 1, and orphans would be somebody else's. */
    if (getpid() != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        perror("prctl(PR_SET_CHILD_SUBREAPER)");
    pid_t daemon = fork();
    if (daemon < 0) {
        perror("fork");
        return 1;
    }
    if (daemon == 0) {
        sigprocmask(SIG_UNBLOCK, &all, NULL);
        execv(arguments[1], arguments + 1);
        perror(arguments[1]);
        return 127;
    }
    for (;;) {
        if (sigwaitinfo(&all, &info) < 0 && errno != EINTR)
            return 1;
        if (info.si_signo != SIGCHLD) {
            kill(daemon, info.si_signo);
            continue;
        }
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == daemon)
                return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}

#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int connection = -1;
char answer[1 << 20];

double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

void die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, errno != 0 ? strerror(errno) : answer);
    exit(1);
}

void connect_daemon(const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strncpy(address.sun_path, socket_path, sizeof address.sun_path - 1);
    connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) < 0)
        die(socket_path);
}

/* One request; returns the status. The body is in answer, behind the header. */
int request(const char *method, const char *path, const char *body)
{
    char text[2048];
    size_t have = 0, need = 0;
    int length =
        snprintf(text, sizeof text,
                 "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", method,
                 path, strlen(body), body);

    if (write(connection, text, (size_t)length) != length)
        die("write");
    for (;;) {
        ssize_t got = read(connection, answer + have, sizeof answer - 1 - have);
        if (got <= 0)
            die("read");
        have += (size_t)got;
        answer[have] = 0;
        char *end = strstr(answer, "\r\n\r\n");
        if (end == NULL)
            continue;
        if (strcasestr(answer, "transfer-encoding: chunked") != NULL) {
            if (have >= 5 && memcmp(answer + have - 5, "0\r\n\r\n", 5) == 0)
                break;
            continue;
        }
        char *size = strcasestr(answer, "content-length:");
        need = (size_t)(end + 4 - answer) + (size != NULL && size < end ? strtoul(size + 15, NULL, 10) : 0);
        if (have >= need)
            break;
    }
    errno = 0;
    return atoi(answer + 9);
}

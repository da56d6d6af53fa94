#include "io.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "fail.h"
#include "launcher.h"
#include "syscalls.h"

void format(char *to, size_t size, const char *pattern, ...)
{
    va_list list;

    va_start(list, pattern);
    int length = vsnprintf(to, size, pattern, list);
    va_end(list);
    if (length >= 0 && (size_t)length < size)
        return;
    errno = ENAMETOOLONG;
    fail("snprintf", "%s", pattern);
}

ssize_t send_with_fds(int socket, const void *bytes, size_t size, const int *fds, unsigned count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)];
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t sent;

    if (count > 0) {
        memset(control, 0, sizeof control);
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = (struct cmsghdr *)(void *)control; /* CMSG_FIRSTHDR of a buffer that is large enough */
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
    }
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

/* Like recvmsg(2), with the descriptors that came; a message or a list of descriptors that was cut is EMSGSIZE. */
ssize_t receive_with_fds(int socket, void *bytes, size_t size, int *fds, unsigned most, unsigned *count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)];
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got;

    *count = 0;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return got;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        unsigned here = (unsigned)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (unsigned i = 0; i < here; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
            if (*count < most)
                fds[(*count)++] = fd;
            else
                close(fd);
        }
    }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        errno = EMSGSIZE;
        return -1;
    }
    return got;
}

int receive_fd(int socket)
{
    char byte;
    int fd = -1;
    unsigned count;

    ssize_t got = receive_with_fds(socket, &byte, sizeof byte, &fd, 1, &count);
    return got <= 0 ? -1 : count == 1 ? fd : -2;
}

bool send_pid(int socket, pid_t pid, int pidfd)
{
    return send_with_fds(socket, &pid, sizeof pid, &pidfd, 1) == sizeof pid;
}

bool receive_pid(int socket, pid_t *pid, int *pidfd)
{
    unsigned count;

    return receive_with_fds(socket, pid, sizeof *pid, pidfd, 1, &count) == sizeof *pid && count == 1;
}

/*
 * Does not leave dir: no link is followed, and the path has no way up. RESOLVE_BENEATH would say the same, and take the
 * lock of all mounts of the host for each path.
 */
int open_here(int dir, const char *path, int flags)
{
    for (const char *at = path; *at != '\0'; at += strcspn(at, "/"), at += *at == '/')
        if (*at == '/' || (at[0] == '.' && at[1] == '.' && (at[2] == '/' || at[2] == '\0'))) {
            errno = EXDEV;
            return -1;
        }
    return sys_openat2(dir, path, (uint64_t)(flags | O_CLOEXEC), RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/* For writing, also "self", in the spawner's own proc: whoever shares a mount namespace can have put files on another /proc. */
int open_proc(const char *path)
{
    return sys_openat2(FD_PROC, path, O_WRONLY | O_CLOEXEC, RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
}

bool write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t written = write(fd, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        at += written;
        size -= (size_t)written;
    }
    return true;
}

uint64_t clock_nanos(int clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

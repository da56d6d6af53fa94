#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "launcher.h"
#include "syscalls.h"

static ssize_t send_with_fds(int socket, const void *bytes, size_t size, const int *fds, unsigned count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)];
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t sent;

    if (count > 0) {
        memset(control, 0, sizeof control);
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
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
static ssize_t receive_with_fds(int socket, void *bytes, size_t size, int *fds, unsigned most, unsigned *count)
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

static uint8_t inline_plan[WIRE_INLINE_MAX];
static size_t inline_size, mapped_size;
static void *mapped_plan;

void forget_plan(void)
{
    explicit_bzero(inline_plan, inline_size);
    if (mapped_plan != NULL)
        munmap(mapped_plan, mapped_size);
    mapped_plan = NULL;
}

void receive_plan(struct launch *launch)
{
    unsigned count;

    enter_stage(STAGE_PLAN);
    ssize_t got = receive_with_fds(launch->channel, inline_plan, sizeof inline_plan, launch->fds, WIRE_FDS_MAX, &count);
    if (got < 0)
        fail("recvmsg", "plan");
    if (got == 0)
        _exit(0); /* the daemon thought better of it */
    inline_size = (size_t)got;
    const char *wrong = plan_decode(&launch->plan, inline_plan, inline_size, count);
    if (wrong == NULL && (launch->plan.flags & PLAN_IN_MEMFD) != 0) {
        struct stat about;
        int memfd = count > 0 ? launch->fds[--count] : -1;

        errno = EINVAL;
        if (memfd < 0 || fstat(memfd, &about) < 0 || about.st_size > WIRE_PLAN_MAX)
            fail("fstat", "plan");
        if ((fcntl(memfd, F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_SHRINK)) != (F_SEAL_WRITE | F_SEAL_SHRINK))
            fail("fcntl", "F_GET_SEALS: the plan is not sealed");
        void *mapped = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, memfd, 0);
        if (mapped == MAP_FAILED)
            fail("mmap", "plan");
        close(memfd);
        mapped_plan = mapped;
        mapped_size = (size_t)about.st_size;
        wrong = plan_decode(&launch->plan, mapped_plan, mapped_size, count);
        if (wrong == NULL && (launch->plan.flags & PLAN_IN_MEMFD) != 0)
            wrong = "a memfd in a memfd";
    }
    if (wrong != NULL) {
        errno = EPROTO;
        fail("plan_decode", "%s", wrong);
    }
}

static unsigned fixed_mounts(const struct plan *plan, unsigned *which)
{
    static const struct {
        uint32_t flag;
        enum mount_fd place;
    } kernel_filesystems[] = {{PLAN_PROC, MOUNT_PROC}, {PLAN_SYSFS, MOUNT_SYSFS}, {PLAN_MQUEUE, MOUNT_MQUEUE}};
    unsigned count = 0;

    if (plan->root_kind != ROOT_NONE)
        which[count++] = MOUNT_ROOT;
    for (unsigned i = 0; i < sizeof kernel_filesystems / sizeof kernel_filesystems[0]; i++)
        if ((plan->flags & kernel_filesystems[i].flag) != 0)
            which[count++] = kernel_filesystems[i].place;
    for (unsigned i = 0; i < plan->attachments + plan->devices; i++)
        which[count++] = MOUNTS_FIXED + i;
    return count;
}

void send_mounts(const struct launch *launch, const struct mounts *mounts)
{
    unsigned which[MOUNT_FDS_MAX];
    int fds[MOUNT_FDS_MAX] = {0};
    unsigned count = fixed_mounts(&launch->plan, which);

    for (unsigned i = 0; i < count; i++)
        fds[i] = mounts->fd[which[i]];
    /* EPIPE: the child died; it told why, or its end does. */
    if (send_with_fds(launch->sync, "m", 1, fds, count) < 0 && errno != EPIPE)
        fail("sendmsg", "mounts");
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
}

void receive_mounts(const struct plan *plan, struct mounts *mounts)
{
    unsigned which[MOUNT_FDS_MAX];
    int fds[MOUNT_FDS_MAX];
    char byte;
    unsigned expected = fixed_mounts(plan, which), count;

    memset(mounts->fd, -1, sizeof mounts->fd);
    ssize_t got = receive_with_fds(FD_SYNC, &byte, sizeof byte, fds, MOUNT_FDS_MAX, &count);
    if (got == 0)
        _exit(1); /* the monitor is gone */
    if (got < 0 || count != expected)
        fail("recvmsg", "mounts: %u of %u", count, expected);
    for (unsigned i = 0; i < count; i++)
        mounts->fd[which[i]] = fds[i];
}

void send_maps_written(const struct launch *launch)
{
    if (send_with_fds(launch->sync, "u", 1, NULL, 0) < 0 && errno != EPIPE)
        fail("sendmsg", "maps written");
}

void wait_for_maps(void)
{
    char byte;
    ssize_t got;

    do
        got = read(FD_SYNC, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1)
        _exit(1); /* the monitor is gone */
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

/* First step of the child: from here on it holds what enum child_fd names and nothing else. */
void arrange_descriptors(const struct launch *launch)
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

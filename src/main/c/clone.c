#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "launcher.h"
#include "syscalls.h"

/* Ids below are those of the host's own users, who are not to have the rights of an owner (user_namespaces(7)). */
#define OWNERS_FIRST 65536

/*
 * Whoever makes a user namespace is its owner, and what is in it counts against that user's limits on the host too
 * (user.max_*, RLIMIT_MSGQUEUE and the like, kernel/ucount.c): the owner is an outside id of its own, not the host's root.
 * 0: the host's root, also where it may not kill others and so has to be the owner to end what is inside.
 */
static uid_t owner_of(const struct plan *plan)
{
    const char *map = plan->uid_map.length == 0 ? "" : plan->uid_map.bytes;
    bool of_user = plan->kind == LAUNCH_SANDBOX || plan->kind == LAUNCH_RUN;

    if (!of_user || (plan->new_namespaces & CLONE_NEWUSER) == 0 || !may_kill_others())
        return 0;
    while (*map != '\0') {
        char *end;
        (void)strtoul(map, &end, 10); /* the first id inside */
        unsigned long outside = strtoul(end, &end, 10);
        if (outside >= OWNERS_FIRST)
            return (uid_t)outside;
        map = end + strcspn(end, "\n");
        map += *map == '\n';
    }
    return 0;
}

/* What the child does with files before it has ids inside, it does as the host's root does. */
static void become_owner(uid_t owner)
{
    enter_stage(STAGE_CLONE);
    if (syscall(SYS_setresuid, -1, owner, owner) < 0) /* saved too: v1 lets whoever has it move itself */
        fail("setresuid", "%u", owner);
    make_capabilities_effective(); /* which the change took away, for the real id is root's still */
    (void)syscall(SYS_setfsuid, 0);
}

static void become_root_again(void)
{
    if (syscall(SYS_setresuid, -1, 0, 0) < 0)
        fail("setresuid", "0");
}

static pid_t clone_child(const struct launch *launch, uint64_t more_flags, int *pidfd)
{
    const struct plan *plan = &launch->plan;
    struct clone_args arguments = {
        .flags = plan->new_namespaces | more_flags | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = 0, /* CLONE_PARENT allows no other; the monitor waits with __WALL */
    };

    if (plan->fd_cgroup != WIRE_NO_FD) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)(unsigned)launch->fds[plan->fd_cgroup];
    }
    uid_t owner = owner_of(plan);
    if (owner != 0)
        become_owner(owner);
    enter_stage(STAGE_CLONE);
    long pid = sys_clone3(&arguments);
    int error = errno;
    if (owner != 0 && pid != 0)
        become_root_again();
    errno = error;
    if (pid < 0)
        fail("clone3", "flags %#llx", (unsigned long long)arguments.flags);
    return (pid_t)pid;
}

static void write_time_offsets(const struct plan *plan)
{
    char text[128];
    format(text, sizeof text, "monotonic %lld 0\nboottime %lld 0\n", (long long)plan->monotonic_offset_seconds,
           (long long)plan->boottime_offset_seconds);

    /* The offsets are frozen as soon as a process is in the namespace, so it is unshared and written before the clone
     * (time_namespaces(7)). */
    enter_stage(STAGE_TIME);
    if (unshare(CLONE_NEWTIME) < 0)
        fail("unshare", "CLONE_NEWTIME");
    int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        fail("open", "/proc/self/timens_offsets");
    if (!write_all(fd, text, strlen(text)))
        fail("write", "/proc/self/timens_offsets");
    close(fd);
}

/* Enters what is shared, clones the child as the monitor's own, and ends. */
__attribute__((noreturn)) static void join_and_clone(struct launch *launch, int answer)
{
    const struct plan *plan = &launch->plan;
    int pidfd = -1;

    fail_socket = launch->child_sync;
    fail_cleanup = NULL;
    if ((plan->flags & PLAN_TIME_NS) != 0)
        write_time_offsets(plan);
    enter_stage(STAGE_JOIN);
    for (uint32_t i = 0; i < plan->joins; i++) { /* the daemon puts user last: after it the others' owner may be out of reach */
        enter_item(i);
        if (setns(launch->fds[plan->join[i].fd], (int)plan->join[i].flag) < 0)
            fail("setns", "flag %#x", plan->join[i].flag);
    }
    pid_t pid = clone_child(launch, CLONE_PARENT, &pidfd);
    if (pid == 0)
        sandbox_child(launch);
    if (!send_pid(answer, pid, pidfd))
        fail("sendmsg", "pid");
    _exit(0);
}

void start_child(struct launch *launch)
{
    if (launch->plan.joins == 0 && (launch->plan.flags & PLAN_TIME_NS) == 0) {
        launch->pid = clone_child(launch, 0, &launch->pidfd);
        if (launch->pid == 0)
            sandbox_child(launch);
        return;
    }
    enter_stage(STAGE_JOIN);
    int answer[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, answer) < 0)
        fail("socketpair", "joiner");
    pid_t joiner = fork();
    if (joiner < 0)
        fail("fork", "joiner");
    if (joiner == 0)
        join_and_clone(launch, answer[1]);
    close(answer[1]);
    bool told = receive_pid(answer[0], &launch->pid, &launch->pidfd);
    close(answer[0]);
    while (waitpid(joiner, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (!told) /* it reported on the sync socket why */
        launch->pid = -1;
}

static void write_map(pid_t pid, const char *file, struct span text)
{
    char path[64];

    format(path, sizeof path, "/proc/%d/%s", pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        fail("open", "%s", file);
    if (write(fd, text.bytes, text.length) != (ssize_t)text.length)
        fail("write", "%s", file);
    close(fd);
}

/* A program of the host is as any other, unless the daemon was given a score that it may not lower (EACCES). */
void write_oom_score(const struct launch *launch)
{
    char path[64];
    const char *score = (launch->plan.flags & PLAN_FIRST_KILLED) != 0 ? "1000" : "0";

    enter_stage(STAGE_CLONE);
    if (launch->plan.kind == LAUNCH_KEEPER)
        return;
    format(path, sizeof path, "/proc/%d/oom_score_adj", launch->pid);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || (!write_all(fd, score, strlen(score)) && errno != EACCES))
        fail("write", "oom_score_adj");
    close(fd);
}

void write_maps(const struct launch *launch)
{
    const struct plan *plan = &launch->plan;
    static const struct span deny = {"deny", 4};

    enter_stage(STAGE_MAPS);
    if ((plan->flags & PLAN_DENY_SETGROUPS) != 0 && plan->gid_map.length != 0)
        write_map(launch->pid, "setgroups", deny);
    if (plan->uid_map.length != 0)
        write_map(launch->pid, "uid_map", plan->uid_map);
    if (plan->gid_map.length != 0)
        write_map(launch->pid, "gid_map", plan->gid_map);
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

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "launcher.h"
#include "syscalls.h"

#define OUTPUT_CHUNK (32u * 1024u) /* a run that writes less than this has its output in the last report */
#define RECORD_PART "exit.part"    /* becomes "exit" */
#define DRAIN_NANOS 1000000000ull  /* for output that is still on its way when the last process has died */

struct stream {
    int fd; /* -1 at its end */
    uint64_t seen;
    bool truncated;
    uint32_t held, most; /* bytes in the buffer, now and ever */
    char buffer[OUTPUT_CHUNK];
};

static struct launch launch;
static struct stream streams[2];
static enum end_reason reason;
static int record; /* of how it ended, while it runs */

/* ------------------------------------------------------------------ killing */

static void kill_by_freezer(int freezer)
{
    char text[4096];

    /* Frozen, it cannot fork between two reads; a killed process dies when thawed. */
    for (int round = 0; round < 100; round++) {
        int procs = openat(freezer, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        ssize_t got = procs < 0 ? 0 : read(procs, text, sizeof text - 1);
        close(procs);
        if (got <= 0)
            return;
        while (got > 0 && text[got - 1] != '\n') /* a number that was cut is another process's */
            got--;
        text[got] = 0;
        int state = openat(freezer, "freezer.state", O_WRONLY | O_CLOEXEC);
        (void)write_all(state, "FROZEN", 6);
        for (char *at = text; *at != 0; at += strcspn(at, "\n"), at += *at == '\n')
            if (atoi(at) > 1)
                (void)kill(atoi(at), SIGKILL);
        (void)write_all(state, "THAWED", 6);
        close(state);
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

static void kill_all(void)
{
    const struct plan *plan = &launch.plan;

    /* With pid 1 everything in its pid namespace dies, those that joined it later too. */
    if (launch.pidfd >= 0)
        (void)syscall(SYS_pidfd_send_signal, launch.pidfd, SIGKILL, NULL, 0);
    if ((plan->flags & PLAN_PID_SHARED) == 0)
        return;
    if (plan->fd_cgroup != WIRE_NO_FD) {
        int killer = openat(launch.fds[plan->fd_cgroup], "cgroup.kill", O_WRONLY | O_CLOEXEC);
        if (killer >= 0 && write_all(killer, "1", 1)) {
            close(killer);
            return;
        }
    }
    if (plan->fd_freezer != WIRE_NO_FD)
        kill_by_freezer(launch.fds[plan->fd_freezer]);
}

static int wait_for_child(struct rusage *usage)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    while (sys_waitid_pidfd(launch.pidfd, &info, WEXITED | __WALL, usage) < 0 && errno == EINTR)
        continue;
    return info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status & 0x7f;
}

/* Nothing stays that the monitor has made. */
static void undo(void)
{
    struct rusage usage;

    remove_work(getpid());
    if (launch.pid > 0) {
        kill_all();
        (void)wait_for_child(&usage);
    }
}

/* ------------------------------------------------------------------ the plan */

static uint8_t inline_plan[WIRE_INLINE_MAX];
static size_t inline_size, mapped_size;
static void *mapped_plan;

static void forget_plan(void)
{
    explicit_bzero(inline_plan, inline_size);
    if (mapped_plan != NULL)
        munmap(mapped_plan, mapped_size);
    mapped_plan = NULL;
}

static void receive_plan(void)
{
    unsigned count;

    enter_stage(STAGE_PLAN);
    ssize_t got = receive_with_fds(launch.channel, inline_plan, sizeof inline_plan, launch.fds, WIRE_FDS_MAX, &count);
    if (got < 0)
        fail("recvmsg", "plan");
    if (got == 0)
        _exit(0); /* the daemon thought better of it */
    inline_size = (size_t)got;
    const char *wrong = plan_decode(&launch.plan, inline_plan, inline_size, count);
    if (wrong == NULL && (launch.plan.flags & PLAN_IN_MEMFD) != 0) {
        struct stat about;
        int memfd = count > 0 ? launch.fds[--count] : -1;

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
        wrong = plan_decode(&launch.plan, mapped_plan, mapped_size, count);
        if (wrong == NULL && (launch.plan.flags & PLAN_IN_MEMFD) != 0)
            wrong = "a memfd in a memfd";
    }
    if (wrong != NULL) {
        errno = EPROTO;
        fail("plan_decode", "%s", wrong);
    }
}

/* ------------------------------------------------------------------ the launch */

static void make_pipe(int pipe[2])
{
    if (pipe2(pipe, O_CLOEXEC) < 0)
        fail("pipe2", "output");
    /* So that whoever the command becomes can open /dev/stdout again; nobody else reaches it. */
    if (fchmod(pipe[1], 0666) < 0)
        fail("fchmod", "output");
}

static void make_channels(void)
{
    int sync[2], status[2];

    enter_stage(STAGE_DESCRIPTORS);
    make_pipe(launch.child_out);
    make_pipe(launch.child_err);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) < 0)
        fail("socketpair", "sync");
    if (pipe2(status, O_CLOEXEC) < 0)
        fail("pipe2", "status");
    launch.sync = sync[0];
    launch.child_sync = sync[1];
    launch.status = status[0];
    launch.child_status = status[1];
}

static void close_child_ends(void)
{
    close(launch.child_status);
    close(launch.child_out[1]);
    close(launch.child_err[1]);
}

/* The monotonic clock of a process's time namespace, as it differs from the host's (time_namespaces(7)). */
static int64_t read_clock_offset(pid_t pid)
{
    char path[64], text[256];
    long long seconds, nanos;

    format(path, sizeof path, "/proc/%d/timens_offsets", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return 0; /* it has ended, or the kernel has no such namespaces */
    text[got] = 0;
    return sscanf(text, "monotonic %lld %lld", &seconds, &nanos) == 2 ? seconds * 1000000000 + nanos : 0;
}

static bool has_other_clock(const struct plan *plan)
{
    bool other = (plan->flags & PLAN_TIME_NS) != 0;

    for (uint32_t i = 0; i < plan->joins; i++)
        other |= plan->join[i].flag == CLONE_NEWTIME;
    return other;
}

/* When the command was executed, by this process's clock. */
static uint64_t executed_at(void)
{
    return launch.progress->executed_monotonic_nanos - (uint64_t)launch.clock_offset_nanos;
}

static bool executed(void)
{
    return launch.progress->executed_monotonic_nanos != 0;
}

/* Passes on why the command was not executed, and ends. */
__attribute__((noreturn)) static void refuse_launch(void)
{
    struct report_failed report;
    ssize_t got;

    fail_cleanup = NULL;
    undo();
    do /* ECONNRESET is told once, before the report: the child has left unread what it was sent */
        got = recv(launch.sync, &report, sizeof report, MSG_DONTWAIT);
    while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got != (ssize_t)sizeof report) {
        enter_stage(STAGE_LOST);
        errno = ECHILD;
        fail("waitid", "killed before it executed the command");
    }
    (void)send(launch.channel, &report, sizeof report, MSG_NOSIGNAL);
    _exit(1);
}

/* What fail() runs in the monitor. Where the child has died or is about to, that is the cause, and what failed here follows. */
static void give_up(void)
{
    struct pollfd child[] = {{.fd = launch.pidfd, .events = POLLIN},
                             {.fd = launch.sync, .events = POLLIN}}; /* its report comes before its death */

    /* ESRCH: it has given its namespaces back already, and is dead when the kernel has taken them down. */
    int wait_millis = errno == ESRCH ? 2000 : 50;
    if (launch.pid > 0 && !executed() && poll(child, 2, wait_millis) > 0)
        refuse_launch();
    undo();
}

/* Exec closes the other end of the sync socket; a report comes before. */
static void await_execution(void)
{
    char byte;
    ssize_t got;

    close(launch.child_sync);
    do
        got = recv(launch.sync, &byte, 1, MSG_PEEK);
    while (got < 0 && errno == EINTR);
    if (got != 0 || !executed())
        refuse_launch();
}

static uint64_t start_ticks(pid_t pid)
{
    char path[64], text[1024];

    format(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return 0;
    text[got] = 0;
    char *at = strrchr(text, ')'); /* a command may hold blanks and parentheses (proc_pid_stat(5)) */
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at, NULL, 10);
}

static struct report_launched launched_report(void)
{
    const struct plan *plan = &launch.plan;
    struct report_launched report = {
        .type = REPORT_LAUNCHED,
        .monitor_pid = getpid(),
        .pid = launch.pid,
        .started_nanos = executed() ? launch.progress->executed_nanos : clock_nanos(CLOCK_REALTIME),
    };

    uint64_t sent = launch.phase_nanos[PHASE_SETUP], done = executed_at();
    launch.phase_nanos[PHASE_SETUP] = done > sent ? done - sent : 0; /* the child may be faster than this process */
    memcpy(report.phase_nanos, launch.phase_nanos, sizeof report.phase_nanos);
    if (plan->fd_run != WIRE_NO_FD) { /* a run ends with the daemon, so nobody will look for it later */
        report.monitor_start_ticks = start_ticks(getpid());
        report.start_ticks = start_ticks(launch.pid);
    }
    return report;
}

static void end_phase(enum phase phase, uint64_t *since)
{
    uint64_t now = clock_nanos(CLOCK_MONOTONIC);

    launch.phase_nanos[phase] = now - *since;
    *since = now;
}

static void carry_out(void)
{
    struct mounts mounts;
    uint64_t since = clock_nanos(CLOCK_MONOTONIC);

    memset(mounts.fd, -1, sizeof mounts.fd);
    make_channels();
    fail_cleanup = give_up;
    start_child(&launch);
    close_child_ends();
    end_phase(PHASE_CLONE, &since);
    if (launch.pid > 0) {
        launch.clock_offset_nanos =
            has_other_clock(&launch.plan) ? read_clock_offset(launch.pid) - read_clock_offset(getpid()) : 0;
        write_oom_score(&launch);
        write_maps(&launch);
        send_maps_written(&launch);
        end_phase(PHASE_MAPS, &since);
        mounts.fd[MOUNT_ROOT] = make_root(&launch);
        guard_trees(&launch);
        make_kernel_filesystems(&launch, &mounts);
        for (uint32_t i = 0; i < launch.plan.attachments; i++)
            mounts.fd[MOUNTS_FIXED + i] = launch.fds[launch.plan.attachment[i].fd];
        for (uint32_t i = 0; i < launch.plan.devices; i++)
            mounts.fd[MOUNTS_FIXED + launch.plan.attachments + i] = launch.fds[launch.plan.device[i].fd];
        send_mounts(&launch, &mounts);
        remove_work(getpid());                           /* waits for RCU, while the child goes on */
        for (uint32_t i = 0; i < launch.plan.joins; i++) /* or it would hold what the child has left */
            close(launch.fds[launch.plan.join[i].fd]);
        end_phase(PHASE_ROOT, &since);
    } else {
        refuse_launch();
    }
    launch.phase_nanos[PHASE_SETUP] = since; /* until the command is executed */
}

/* Takes the room for the exit record now: a disk that is full at the end must not lose it. */
static void prepare_record(void)
{
    static const struct report_exited none;

    record = openat(launch.fds[launch.plan.fd_state], RECORD_PART, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (record < 0 || !write_all(record, &none, sizeof none))
        fail("write", "exit record");
}

/* The run record, and then the daemon. A sandbox that the daemon does not hear of must not be: whoever died, it ends. */
static struct report_launched tell_launched(void)
{
    const struct plan *plan = &launch.plan;
    struct report_launched report = launched_report();

    enter_stage(STAGE_RECORD);
    if (plan->fd_state != WIRE_NO_FD)
        prepare_record();
    if (plan->fd_run != WIRE_NO_FD && !write_all(launch.fds[plan->fd_run], &report, sizeof report))
        fail("write", "run record");
    if (send(launch.channel, &report, sizeof report, MSG_NOSIGNAL) < 0 && errno != EPIPE)
        fail("send", "launched");
    return report;
}

/* ------------------------------------------------------------------ output */

static void end_with(enum end_reason why)
{
    if (reason == END_BY_ITSELF)
        reason = why;
    kill_all();
}

static void flush_capture(struct stream *stream, uint32_t number)
{
    struct report_output header = {.type = REPORT_OUTPUT, .stream = number};
    struct iovec parts[2] = {{&header, sizeof header}, {stream->buffer, stream->held}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    while (sendmsg(launch.channel, &message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR) {
            end_with(END_CANCELLED);
            break;
        }
    stream->held = 0;
}

static void write_log(const char *bytes, uint32_t size, uint32_t number)
{
    struct log_frame frame = {.time_nanos = clock_nanos(CLOCK_REALTIME), .stream = number, .length = size};
    struct iovec parts[2] = {{&frame, sizeof frame}, {(void *)(uintptr_t)bytes, size}};
    int log = launch.fds[launch.plan.fd_log];
    ssize_t written;

    do
        written = writev(log, parts, 2);
    while (written < 0 && errno == EINTR);
    if (written >= 0 &&
        (size_t)written < sizeof frame + size) { /* a full disk: the rest may fit later, a half frame may not stay */
        off_t end = lseek(log, 0, SEEK_END);
        if (end < 0 || ftruncate(log, end - written) < 0)
            end_with(END_OUTPUT_LIMIT);
    }
}

/* Reads what is there. Returns false when nothing is, now or for ever. */
static bool read_stream(struct stream *stream, uint32_t number)
{
    const struct plan *plan = &launch.plan;
    bool capture = plan_captures(plan);

    if (stream->held == sizeof stream->buffer)
        flush_capture(stream, number);
    ssize_t got = read(stream->fd, stream->buffer + stream->held, sizeof stream->buffer - stream->held);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (got <= 0) {
        close(stream->fd);
        stream->fd = -1;
        return false;
    }
    if (stream->held + (uint32_t)got > stream->most)
        stream->most = stream->held + (uint32_t)got;
    uint64_t before = stream->seen;
    stream->seen += (uint64_t)got;
    if (capture) {
        uint64_t room = before >= plan->capture_limit_bytes ? 0 : plan->capture_limit_bytes - before;
        stream->truncated |= (uint64_t)got > room;
        stream->held += (uint64_t)got > room ? (uint32_t)room : (uint32_t)got;
    } else {
        uint64_t others = streams[number == 1].seen, logged = before + others;
        uint64_t room = logged >= plan->log_limit_bytes ? 0 : plan->log_limit_bytes - logged;
        uint32_t size = (uint64_t)got > room ? (uint32_t)room : (uint32_t)got;
        if (size > 0)
            write_log(stream->buffer, size, number);
        stream->truncated |= (uint64_t)got > room;
    }
    if (streams[0].seen + streams[1].seen > plan->log_limit_bytes && reason == END_BY_ITSELF)
        end_with(END_OUTPUT_LIMIT);
    return true;
}

static void drain(void)
{
    uint64_t until = clock_nanos(CLOCK_MONOTONIC) + DRAIN_NANOS;

    while ((streams[0].fd >= 0 || streams[1].fd >= 0) && clock_nanos(CLOCK_MONOTONIC) < until) {
        bool more = false;
        for (uint32_t i = 0; i < 2; i++)
            while (streams[i].fd >= 0 && read_stream(&streams[i], i + 1))
                more = true;
        if (!more && (launch.plan.flags & PLAN_PID_SHARED) == 0)
            return; /* everyone is dead: what is open still was given away */
        if (!more && (streams[0].fd >= 0 || streams[1].fd >= 0))
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* ------------------------------------------------------------------ the end */

static void supervise(void)
{
    const struct plan *plan = &launch.plan;
    uint64_t deadline = plan->timeout_nanos == 0 ? UINT64_MAX : clock_nanos(CLOCK_MONOTONIC) + plan->timeout_nanos;

    for (;;) {
        struct pollfd polled[] = {
            {.fd = launch.pidfd, .events = POLLIN},
            {.fd = streams[0].fd, .events = POLLIN},
            {.fd = streams[1].fd, .events = POLLIN},
            {.fd = launch.channel, .events = POLLIN},
            {.fd = executed() || reason != END_BY_ITSELF ? -1 : launch.sync, .events = POLLIN},
        };
        struct timespec timeout, *until = NULL;

        if (deadline != UINT64_MAX) {
            uint64_t now = clock_nanos(CLOCK_MONOTONIC), left = deadline > now ? deadline - now : 0;
            timeout.tv_sec = (time_t)(left / 1000000000u);
            timeout.tv_nsec = (long)(left % 1000000000u);
            until = &timeout;
        }
        if (ppoll(polled, 5, until, NULL) < 0)
            continue;
        if (deadline != UINT64_MAX && clock_nanos(CLOCK_MONOTONIC) >= deadline) {
            end_with(END_TIMED_OUT);
            deadline = UINT64_MAX;
        }
        for (uint32_t i = 0; i < 2; i++)
            if (polled[1 + i].revents != 0)
                (void)read_stream(&streams[i], i + 1);
        if (polled[3].revents != 0) { /* the daemon is gone, or wants no more of this run; a byte keeps a keeper */
            char keep;
            bool kept = recv(launch.channel, &keep, sizeof keep, MSG_DONTWAIT) == sizeof keep;
            close(launch.channel);
            launch.channel = -1;
            if (!kept && plan_ends_with_daemon(plan))
                end_with(END_CANCELLED);
        }
        if (polled[0].revents != 0)
            return;
        if (polled[4].revents != 0)
            refuse_launch();
    }
}

static bool write_record(const struct report_exited *report)
{
    int dir = launch.fds[launch.plan.fd_state];

    return lseek(record, 0, SEEK_SET) == 0 && write_all(record, report, sizeof *report) &&
           renameat(dir, RECORD_PART, dir, "exit") == 0;
}

static void tell_exited(struct report_launched launched)
{
    const struct plan *plan = &launch.plan;
    struct rusage usage;
    int status, told = 0;

    memset(&usage, 0, sizeof usage);
    status = wait_for_child(&usage);
    launch.pid = -1;
    if (!executed() && reason == END_BY_ITSELF)
        refuse_launch();
    if (plan_captures(plan))
        launched = launched_report();
    if ((plan->flags & PLAN_PID_SHARED) != 0)
        kill_all();
    drain();
    if (read(launch.status, &told, sizeof told) == (ssize_t)sizeof told)
        status = told;

    struct report_exited report = {
        .type = REPORT_EXITED,
        .reason = reason,
        .status = status,
        .truncated = (uint32_t)streams[0].truncated | (uint32_t)streams[1].truncated << 1,
        .finished_nanos = clock_nanos(CLOCK_REALTIME),
        .run_nanos = executed() ? clock_nanos(CLOCK_MONOTONIC) - executed_at() : 0, /* it may have been killed before */
        .cpu_micros = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                      (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
        .peak_memory_bytes = (uint64_t)usage.ru_maxrss * 1024u,
        .launched = launched,
    };
    if (plan->fd_state != WIRE_NO_FD)
        for (int tries = 0; !write_record(&report) && errno != ENOENT && tries < 600; tries++)
            sleep(1); /* a full disk, where writing takes room again; ENOENT: it was deleted meanwhile */
    if (plan_captures(plan)) {
        report.stdout_bytes = streams[0].held;
        report.stderr_bytes = streams[1].held;
    }
    struct iovec parts[3] = {
        {&report, sizeof report}, {streams[0].buffer, report.stdout_bytes}, {streams[1].buffer, report.stderr_bytes}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
    if (launch.channel >= 0)
        (void)sendmsg(launch.channel, &message, MSG_NOSIGNAL);
}

/* Waits for a request and its plan. */
static void receive_launch(void)
{
    const struct host *host = launch.host;

    prctl(PR_SET_NAME, "seahaven-idle", 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* idle, it is nothing without the spawner */
    if (getppid() != host->spawner || !monitor_sits_down())
        _exit(0);
    do
        launch.channel = receive_fd(host->requests);
    while (launch.channel == -2);
    if (launch.channel < 0)
        _exit(0);
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    prctl(PR_SET_NAME, "seahaven-mon", 0, 0, 0);
    monitor_stands_up(host);
    fail_socket = launch.channel;
    receive_plan();
}

static void close_own_descriptors(void)
{
    sys_close_range((unsigned)launch.host->last_fd + 1, ~0u, 0);
}

/* Nothing of a run stays in the monitor for the next one: no descriptor, and none of its memory. */
static void forget_launch(void)
{
    for (int i = 0; i < 2; i++) {
        explicit_bzero(streams[i].buffer, streams[i].most);
        memset(&streams[i], 0, offsetof(struct stream, buffer));
    }
    forget_plan();
    memset(launch.progress, 0, sizeof *launch.progress);
    launch = (struct launch){.host = launch.host, .progress = launch.progress};
    reason = END_BY_ITSELF;
    fail_cleanup = NULL;
    close_own_descriptors();
}

/* It stays as long as its sandbox: what it holds is looked at by whoever asks what holds a namespace. */
static void let_go_of_host(void)
{
    const struct host *host = launch.host;

    sys_close_range(0, FD_NULL, 0);
    close(host->net_ns);
    close(host->ipc_ns);
    close(host->proc);
}

void run_monitor(const struct host *host)
{
    sigset_t none;

    launch.host = host;
    close_own_descriptors();
    launch.progress = mmap(NULL, sizeof *launch.progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (launch.progress == MAP_FAILED)
        _exit(0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (;;) {
        launch.pid = -1;
        launch.pidfd = -1;
        receive_launch();
        bool run = plan_captures(&launch.plan);
        if (!run) { /* it may outlive the spawner, and holds nothing of it */
            close(host->requests);
            close(host->wanted);
        }
        carry_out();
        struct report_launched launched = {0};
        if (!run) {
            await_execution();
            launched = tell_launched();
            let_go_of_host();
        }
        for (int i = 0; i < 2; i++) {
            streams[i].fd = i == 0 ? launch.child_out[0] : launch.child_err[0];
            (void)fcntl(streams[i].fd, F_SETFL, O_NONBLOCK);
        }
        supervise();
        tell_exited(launched);
        if (!run)
            _exit(0);
        forget_launch();
    }
}

/*
 * The launcher: spawner, monitor, joiner, child, init. It decides nothing: a plan (wire.h) says all, and whatever cannot be done as
 * it says ends the launch with a report. The daemon starts it from a sealed memfd, with its request socket as
 * standard input.
 */
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#include "launcher.h"
#include "syscalls.h"

int fail_socket = -1;
void (*fail_cleanup)(void);
static enum stage current_stage;

#ifdef SEAHAVEN_FAULTS
/* FAULT=STAGE:fail or FAULT=STAGE:die, read once by the spawner. */
static int fault_stage = -1;
static bool fault_dies;
#endif

void enter_stage(enum stage stage)
{
    current_stage = stage;
#ifdef SEAHAVEN_FAULTS
    if ((int)stage != fault_stage)
        return;
    if (fault_dies) {
        kill(getpid(), SIGKILL);
        __builtin_trap(); /* pid 1 ignores its own SIGKILL, but not a fault */
    }
    errno = EIO;
    fail("fault", "injected");
#endif
}

void fail(const char *call, const char *arguments, ...)
{
    struct report_failed report = {.type = REPORT_FAILED, .stage = (uint32_t)current_stage, .error = errno};
    va_list list;

    int used = snprintf(report.text, sizeof report.text, "%s(", call);
    va_start(list, arguments);
    used += vsnprintf(report.text + used, sizeof report.text - (size_t)used, arguments, list);
    va_end(list);
    if ((size_t)used < sizeof report.text - 1)
        strcpy(report.text + used, ")");
    errno = report.error; /* the cleanup may ask why */
    if (fail_cleanup != NULL)
        fail_cleanup();
    (void)send(fail_socket, &report, sizeof report, MSG_NOSIGNAL);
    _exit(1);
}

uint64_t clock_nanos(int clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ------------------------------------------------------------------ the child */

static void set_loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

    enter_stage(STAGE_NETWORK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket", "AF_INET");
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        fail("ioctl", "SIOCSIFFLAGS, lo");
    close(fd);
}

/* On v1 the child moves itself, which waits for nothing; on v2 it was cloned into its group. */
static void enter_v1_groups(const struct launch *launch)
{
    enter_stage(STAGE_CGROUP);
    for (uint32_t i = 0; i < launch->plan.v1_groups; i++) {
        int tasks = openat(launch->fds[launch->plan.v1_group[i]], "tasks", O_WRONLY | O_CLOEXEC);
        if (tasks < 0 || !write_all(tasks, "0", 1))
            fail("write", "tasks of v1 group %u", i);
        close(tasks);
    }
}

static void enter_cgroup_namespace(const struct plan *plan)
{
    enter_stage(STAGE_CGROUP);
    if ((plan->flags & PLAN_CGROUP_NS) != 0 && unshare(CLONE_NEWCGROUP) < 0)
        fail("unshare", "CLONE_NEWCGROUP");
}

static void set_hostname(const struct plan *plan)
{
    enter_stage(STAGE_HOSTNAME);
    if (plan->hostname.length != 0 && sethostname(plan->hostname.bytes, plan->hostname.length) < 0)
        fail("sethostname", "%s", plan->hostname.bytes);
}

/* The kernel shows everyone the same sys, and takes the namespaces of who writes. */
static void set_sysctls(const struct plan *plan)
{
    const uint8_t *at = plan->sysctls.at;
    char path[256];

    enter_stage(STAGE_SYSCTLS);
    for (uint32_t i = 0; i < plan->sysctls.count / 2; i++) {
        struct span name = span_next(&at), value = span_next(&at);
        snprintf(path, sizeof path, "sys/%s", name.bytes);
        int fd = open_proc(path);
        if (fd < 0)
            fail("open", "%s", path);
        if (!write_all(fd, value.bytes, value.length))
            fail("write", "%s", path);
        close(fd);
    }
}

/* Dies with the monitor. A change of ids clears this (prctl(2)), so it comes after; the monitor may be dead already. */
static void die_with_monitor(void)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        fail("prctl", "PR_SET_PDEATHSIG");
    char byte;
    if (recv(FD_SYNC, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        _exit(1);
}

/* What happens inside, in order. */
void sandbox_child(struct launch *launch)
{
    const struct plan *plan = &launch->plan;
    struct mounts mounts;

    fail_socket = launch->child_sync;
    fail_cleanup = NULL;
    enter_v1_groups(launch);
    enter_stage(STAGE_DESCRIPTORS);
    arrange_descriptors(launch);
    wait_for_maps();
    if ((plan->flags & PLAN_KEEP) == 0 || (plan->new_namespaces & CLONE_NEWUSER) != 0)
        become_inside_root(plan);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    die_with_monitor();
    enter_cgroup_namespace(plan);
    set_hostname(plan);
    if ((plan->flags & PLAN_LOOPBACK) != 0)
        set_loopback_up();
    set_sysctls(plan);
    if (plan->root_kind != ROOT_NONE)
        build_devices(plan);
    receive_mounts(plan, &mounts);
    if (plan->root_kind != ROOT_NONE) {
        setup_mounts(plan, &mounts);
        mask_paths(plan, &mounts);
        change_root(plan, &mounts);
    } else if ((plan->new_namespaces & CLONE_NEWNS) != 0) {
        refresh_mounts(plan, &mounts);
    }
    if ((plan->flags & PLAN_KEEP) != 0)
        run_keeper(launch);
    if ((plan->flags & PLAN_INIT) != 0)
        run_init(launch);
    if (setsid() < 0 && errno != EPERM)
        fail("setsid", "command");
    run_command(launch);
}

/* ------------------------------------------------------------------ the spawner */

__attribute__((noreturn)) static void refuse(const char *what)
{
    dprintf(STDERR_FILENO, "seahaven launcher: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void bind_place(int tree, const char *place, uint64_t attributes)
{
    struct mount_attributes set = {.set = attributes, .propagation = MS_PRIVATE}; /* also a copy of a shared mount */

    if (tree < 0 || (mkdir(place, 0755) < 0 && errno != EEXIST))
        refuse(place);
    if (sys_mount_setattr(tree, "", AT_EMPTY_PATH, &set) < 0)
        refuse(place);
    if (sys_move_mount(tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        refuse(place);
    close(tree);
}

static void check_devices(void)
{
    static const struct {
        const char *path;
        unsigned major, minor;
    } devices[] = {
        {PLACE_DEVICES "/null", 1, 3},   {PLACE_DEVICES "/zero", 1, 5},    {PLACE_DEVICES "/full", 1, 7},
        {PLACE_DEVICES "/random", 1, 8}, {PLACE_DEVICES "/urandom", 1, 9}, {PLACE_DEVICES "/tty", 5, 0},
    };
    struct stat about;

    for (unsigned i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        errno = ENODEV;
        if (lstat(devices[i].path, &about) < 0 || !S_ISCHR(about.st_mode) ||
            about.st_rdev != makedev(devices[i].major, devices[i].minor))
            refuse(devices[i].path);
    }
}

/*
 * A mount namespace of its own that holds the host's / and /dev and nothing of what is mounted below them: it keeps
 * nothing alive that the host unmounts, and a child's copy of it is cheap (docs/adr/0002).
 */
static void make_mount_namespace(void)
{
    int host = sys_open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | O_CLOEXEC);
    int devices = sys_open_tree(AT_FDCWD, "/dev", OPEN_TREE_CLONE | O_CLOEXEC);

    if (host < 0 || devices < 0)
        refuse("open_tree");
    if (unshare(CLONE_NEWNS) < 0)
        refuse("unshare(CLONE_NEWNS)");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        refuse("mount(/, MS_PRIVATE)");
    if (mount("seahaven", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=1m") < 0)
        refuse("mount(tmpfs)");
    if (chdir("/tmp") < 0 || sys_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        refuse("pivot_root");
    if (mkdir("/proc", 0755) < 0 || mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        refuse("mount(proc)");
    bind_place(host, PLACE_HOST, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    /* Read-only: devices work so, and their modes and owners stay the host's. */
    bind_place(devices, PLACE_DEVICES, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (mkdir(PLACE_EMPTY, 0555) < 0 || mkdir(PLACE_ROOT, 0755) < 0 || mkdir(PLACE_STAGE, 0755) < 0 || mkdir(PLACE_WORK, 0700) < 0)
        refuse("mkdir");
    bind_place(sys_open_tree(AT_FDCWD, PLACE_EMPTY, OPEN_TREE_CLONE | O_CLOEXEC), PLACE_EMPTY,
               MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    check_devices();
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

/*
 * Monitors that wait for a request: a launch need not wait for a fork. Each sits on a seat, in memory that all share. One
 * that has carried out a run sits down again if a seat is free, so that the spawner sleeps while runs follow runs.
 */
#define SEATS 4
#define SEATS_FILLED 3 /* when fewer than two wait, the spawner fills up to this */
static pid_t *seats;   /* 0: free; -1: taken for one that is being forked */

static bool change_seat(unsigned seat, pid_t from, pid_t to)
{
    return __atomic_compare_exchange_n(&seats[seat], &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static unsigned taken_seats(void)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < SEATS; i++)
        taken += __atomic_load_n(&seats[i], __ATOMIC_SEQ_CST) != 0;
    return taken;
}

static bool sit_down(pid_t from, pid_t to)
{
    for (unsigned i = 0; i < SEATS; i++)
        if (change_seat(i, from, to))
            return true;
    return false;
}

bool monitor_sits_down(void)
{
    return sit_down(-1, getpid()) || sit_down(0, getpid());
}

void monitor_stands_up(const struct host *host)
{
    (void)sit_down(getpid(), 0);
    if (taken_seats() < 2)
        (void)write_all(host->wanted, "", 1);
}

static void reap_monitors(int signals)
{
    struct signalfd_siginfo info;
    pid_t pid;

    if (read(signals, &info, sizeof info) < 0)
        return;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        (void)sit_down(pid, 0);
        remove_work(pid);
    }
}

static bool fill_seats(const struct host *host)
{
    while (taken_seats() < SEATS_FILLED && sit_down(0, -1)) {
        pid_t pid = fork();
        if (pid == 0)
            run_monitor(host);
        if (pid < 0) {
            (void)sit_down(-1, 0);
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

__attribute__((noreturn)) static void spawn(struct host *host)
{
    int wanted[2];
    sigset_t child;
    char bytes[16];

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    int signals = signalfd(-1, &child, SFD_CLOEXEC);
    seats = mmap(NULL, SEATS * sizeof *seats, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (signals < 0 || pipe2(wanted, O_CLOEXEC) < 0 || seats == MAP_FAILED)
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

static void reset_signals(void)
{
    sigset_t none;

    for (int signal = 1; signal < NSIG; signal++)
        (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(void)
{
    struct host host = {0};

    reset_signals();
    (void)setsid();
    (void)umask(0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NAME, "seahaven-spawn", 0, 0, 0);
#ifdef SEAHAVEN_FAULTS
    const char *fault = getenv("FAULT");
    if (fault != NULL) {
        fault_stage = atoi(fault);
        fault_dies = strstr(fault, ":die") != NULL;
    }
#endif
    host.requests = take_requests();
    make_mount_namespace();
    fill_with_null();
    host.net_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    host.ipc_ns = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
    if (host.net_ns < 0 || host.ipc_ns < 0)
        refuse("/proc/self/ns");
    host.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (host.proc < 0)
        refuse("/proc");
    host.proc_has_pidns = probe_proc_pidns();
    if (dup3(FD_NULL, STDERR_FILENO, O_CLOEXEC) < 0)
        refuse("dup3");
    spawn(&host);
}

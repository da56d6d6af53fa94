/*
 * Ways out of containers that are known, tried from inside: doors NAME [ARGUMENT] prints "through", or "refused" and why.
 * And bombs: doors bomb-NAME, which go on until something stops them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int tell(long result)
{
    if (result >= 0)
        puts("through");
    else
        printf("refused %s\n", strerrorname_np(errno));
    return 0;
}

static int child(void *unused)
{
    (void)unused;
    return 0;
}

static long clone_with(int flags)
{
    static char stack[65536];

    return clone(child, stack + sizeof stack, flags | SIGCHLD, NULL);
}

static long add_key(void)
{
    return syscall(SYS_add_key, "user", "seahaven-door", "x", 1, KEY_SPEC_PROCESS_KEYRING);
}

static long io_uring(void)
{
    struct io_uring_params parameters;

    memset(&parameters, 0, sizeof parameters);
    return syscall(SYS_io_uring_setup, 4, &parameters);
}

/* A filter of one instruction that lets all through. */
static struct sock_fprog filter(void)
{
    static struct sock_filter all = {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW};

    return (struct sock_fprog){.len = 1, .filter = &all};
}

static long socket_filter(long level, int option)
{
    struct sock_fprog program = filter();
    int fd = socket(AF_INET, SOCK_DGRAM, 0), yes = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    return syscall(SYS_setsockopt, fd, level, option, &program, sizeof program);
}

static long socket_program(int option)
{
    int none = -1;

    return setsockopt(socket(AF_INET, SOCK_DGRAM, 0), SOL_SOCKET, option, &none, sizeof none);
}

static long call_filter(bool by_prctl)
{
    struct sock_fprog program = filter();

    return by_prctl ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)
                    : syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static long asynchronous_io(void)
{
    unsigned long context = 0;

    return syscall(SYS_io_setup, 1, &context);
}

/* What TCP takes on the own loopback while nobody reads, in MiB. */
static int queue_tcp(bool stays)
{
    static char page[65536];
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    long queued = 0;

    if (bind(listener, (struct sockaddr *)&here, size) < 0 || listen(listener, 128) < 0 ||
        getsockname(listener, (struct sockaddr *)&here, &size) < 0)
        return tell(-1);
    for (int i = 0; i < 200; i++) {
        int from = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(from, (struct sockaddr *)&here, size) < 0 || accept(listener, NULL, NULL) < 0)
            break;
        for (ssize_t sent; (sent = send(from, page, sizeof page, MSG_DONTWAIT)) > 0;)
            queued += sent;
    }
    printf("%ld\n", queued >> 20);
    fflush(stdout);
    if (stays)
        pause();
    return 0;
}

/* How many there are to take. */
static int take_terminals(void)
{
    int count = 0;

    while (posix_openpt(O_RDWR | O_NOCTTY) >= 0)
        count++;
    printf("%d\n", count);
    return 0;
}

static long by_handle(void)
{
    struct {
        struct file_handle handle;
        char bytes[MAX_HANDLE_SZ];
    } root;
    int mount_id, dir = open("/dev", O_RDONLY); /* an overlay has no handles */

    root.handle.handle_bytes = MAX_HANDLE_SZ;
    if (name_to_handle_at(AT_FDCWD, "/dev", &root.handle, &mount_id, 0) < 0)
        return -1;
    return open_by_handle_at(dir, &root.handle, O_RDONLY);
}

static long write_to(const char *path)
{
    int fd = open(path, O_WRONLY);

    return fd < 0 ? fd : write(fd, "", 0) < 0 ? -1 : 0;
}

static long device_node(unsigned major, unsigned minor)
{
    if (mknod("/dev/door", S_IFCHR | 0666, makedev(major, minor)) < 0)
        return -1;
    return open("/dev/door", O_RDONLY);
}

static long abstract_socket(const char *name, int (*use)(int, const struct sockaddr *, socklen_t), int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
    return use(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)));
}

/* On the host: what the one inside tries to reach. */
static int listen_on(const char *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (abstract_socket(name, bind, fd) < 0 || listen(fd, 8) < 0)
        return 1;
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}

static int listen_udp(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};

    if (bind(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&address, sizeof address) < 0)
        return 1;
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}

/* A symbolic link put in the place of a device, or of what is read later by somebody else. */
static long swap_device(const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/dev/%s", name);
    if (unlink(path) < 0 && errno != ENOENT)
        return -1;
    return symlink("/proc/sys/kernel/core_pattern", path);
}

/* On a terminal of its own, so that only what stands in the way of the request itself is left. */
static long push_input(unsigned long request)
{
    int pty = posix_openpt(O_RDWR | O_NOCTTY);

    if (pty < 0 || unlockpt(pty) < 0)
        return -1;
    if (fork() == 0) { /* nobody's leader, and so can lead a session with this terminal */
        setsid();
        int tty = open(ptsname(pty), O_RDWR);
        exit(tty < 0 || ioctl(tty, request, "x") < 0 ? errno : 0);
    }
    int status;
    wait(&status);
    errno = WEXITSTATUS(status);
    return errno == 0 ? 0 : -1;
}

/* With 0 a program that core_pattern names would run as root of the host; a sandbox has 1. */
static long allow_cores(void)
{
    struct rlimit limit = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &limit);
    (void)syscall(SYS_setrlimit, 1ul << 40 | RLIMIT_CORE, &limit);
    (void)syscall(SYS_prlimit64, 0, 1ul << 40 | RLIMIT_CORE, &limit, NULL);
    if (getrlimit(RLIMIT_CORE, &limit) < 0)
        return -1;
    errno = EPERM;
    return limit.rlim_cur == 0 ? 0 : -1;
}

static int read_name(int pid, char name[32])
{
    char file[64];

    snprintf(file, sizeof file, "/proc/%d/comm", pid);
    int fd = open(file, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : read(fd, name, 31);
    close(fd);
    if (got <= 0)
        return 0;
    name[got - 1] = '\0';
    return 1;
}

/*
 * Looks for processes that come, and tells each that it could take hold of while it was neither of its own program nor of
 * the one named: whoever enters the sandbox from outside has not executed it yet. And each, once, that it could not.
 */
static void watch(const char *known)
{
    static char met[400];
    char file[64], before[32], after[32];

    puts("watching");
    fflush(stdout);
    for (;;)
        for (int pid = 2; pid < 400; pid++) {
            if (pid == getpid() || !read_name(pid, before))
                continue;
            snprintf(file, sizeof file, "/proc/%d/mem", pid);
            int memory = open(file, O_RDWR);
            snprintf(file, sizeof file, "/proc/%d/root/proc", pid);
            int root = memory < 0 ? open(file, O_PATH) : -1;
            bool held = memory >= 0 || root >= 0;
            if (read_name(pid, after) && strcmp(after, known) != 0 && (held || !met[pid])) {
                met[pid] = 1;
                printf("%s %d %s %s\n", held ? "held" : "missed", pid, before, after);
                fflush(stdout);
            }
            close(memory);
            close(root);
        }
}

/* Requests that are refused come back whole, and nobody reads the answers. */
static void fill_netlink(void)
{
    static char request[150000];
    struct nlmsghdr *header = (void *)request;
    int size = 1 << 22;

    *header =
        (struct nlmsghdr){.nlmsg_len = sizeof request, .nlmsg_type = NLMSG_MIN_TYPE, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK};
    for (;;) {
        int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
        if (fd < 0 && fork() != 0)
            pause();
        if (fd < 0)
            for (int other = 3; other < 1 << 20 && close(other) == 0; other++)
                continue;
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        for (int i = 0; i < 100; i++)
            if (send(fd, request, sizeof request, MSG_DONTWAIT) < 0)
                break;
    }
}

static void fill_locks(bool of_files)
{
    for (;;) {
        int fd = memfd_create("locks", 0);
        for (long i = 0; fd >= 0 && i < 3000; i++) {
            struct flock lock = {.l_type = F_RDLCK, .l_start = 2 * i, .l_len = 1};
            if (fcntl(fd, of_files ? F_OFD_SETLK : F_SETLK, &lock) < 0)
                break;
        }
    }
}

static void send_files(int socket, int *files, int count)
{
    char buffer[CMSG_SPACE(253 * sizeof(int))] = {0}, byte = 'f';
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = buffer};

    message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    *control =
        (struct cmsghdr){.cmsg_len = CMSG_LEN((size_t)count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(control), files, (size_t)count * sizeof(int));
    (void)sendmsg(socket, &message, MSG_DONTWAIT);
}

/* Files that are in flight and have no descriptor any more; each user may have as many as one process may have open. */
static void fill_files(void)
{
    for (int user = 1; user < 400; user++) {
        if (fork() != 0)
            continue;
        if (setresuid((uid_t)user, (uid_t)user, (uid_t)user) < 0)
            exit(1);
        for (;;) {
            int pair[2], files[200];
            if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
                pause();
            for (int message = 0; message < 5; message++) {
                int count = 0;
                while (count < 200 && (files[count] = eventfd(0, 0)) >= 0)
                    count++;
                if (count == 0)
                    pause();
                send_files(pair[0], files, count);
                while (count > 0)
                    close(files[--count]);
            }
        }
    }
    pause();
}

/* Files that are mapped and have no descriptor any more. */
static void fill_mappings(void)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/self/fd/%d", memfd_create("mapped", 0));
    for (;;) {
        int fd = open(path, O_RDONLY);
        if (fd < 0 || mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
            pause();
        close(fd);
    }
}

/* A file without a name and without a descriptor, which grows as long as there is room. */
static void fill_disk_in_flight(const void *page, size_t size)
{
    int pair[2], fd = open("/hidden", O_RDWR | O_CREAT, 0600);

    unlink("/hidden");
    if (fd < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
        exit(1);
    for (;;) {
        send_files(pair[0], &fd, 1);
        close(fd);
        char buffer[CMSG_SPACE(sizeof(int))], byte;
        struct iovec part = {&byte, 1};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = buffer, .msg_controllen = sizeof buffer};
        usleep(1000);
        if (recvmsg(pair[1], &message, 0) < 0)
            exit(1);
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
        if (write(fd, page, size) < 0) {
            send_files(pair[0], &fd, 1);
            close(fd);
            pause();
        }
    }
}

/* Takes as many as there are of what the kernel counts by user, at most 100,000. */
static int take(const char *what, bool stays)
{
    int count = 0;
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    for (bool more = true; more && count < 100000; count += more) {
        char name[32];
        snprintf(name, sizeof name, "/doors-%d-%d", getpid(), count);
        if (strcmp(what, "inotify") == 0)
            more = inotify_init() >= 0;
        else if (strcmp(what, "queues") == 0)
            more = mq_open(name, O_CREAT | O_RDWR, 0600, NULL) >= 0 && (stays || mq_unlink(name) == 0);
        else
            more = sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0;
    }
    printf("%d\n", count);
    fflush(stdout);
    if (stays)
        pause();
    return 0;
}

static void bomb(const char *what, bool stays)
{
    static char page[1 << 20];

    memset(page, 'x', sizeof page);
    if (strcmp(what, "bomb-netlink") == 0)
        fill_netlink();
    if (strcmp(what, "bomb-locks") == 0)
        fill_locks(stays);
    if (strcmp(what, "bomb-files") == 0)
        fill_files();
    if (strcmp(what, "bomb-mappings") == 0)
        fill_mappings();
    if (strcmp(what, "bomb-flight") == 0)
        fill_disk_in_flight(page, sizeof page);
    if (strcmp(what, "bomb-fork") == 0)
        for (;;)
            if (fork() == 0)
                continue;
    if (strcmp(what, "bomb-memory") == 0)
        for (;;)
            memset(mmap(NULL, sizeof page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, sizeof page);
    if (strcmp(what, "bomb-descriptors") == 0) {
        int count = 0;
        while (dup(0) >= 0)
            count++;
        printf("%d %s\n", count, strerrorname_np(errno));
        exit(0);
    }
    if (strcmp(what, "bomb-disk") == 0) {
        int fd = open("/tmp/bomb", O_WRONLY | O_CREAT, 0600);
        long written = 0, got;
        while ((got = write(fd, page, sizeof page)) > 0)
            written += got;
        printf("%ld %s\n", written, strerrorname_np(errno));
        if (stays)
            pause();
        exit(0);
    }
    if (strcmp(what, "bomb-log") == 0)
        for (;;)
            if (write(1, page, sizeof page) < 0)
                exit(1);
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "", *with = count > 2 ? arguments[2] : "";

    if (strncmp(what, "bomb-", 5) == 0)
        bomb(what, strcmp(with, "stay") == 0);
    if (strcmp(what, "take") == 0)
        return take(with, false);
    if (strcmp(what, "take-and-stay") == 0)
        return take(with, true);
    if (strcmp(what, "queue-tcp") == 0)
        return queue_tcp(strcmp(with, "stay") == 0);
    if (strcmp(what, "take-terminals") == 0)
        return take_terminals();
    if (strcmp(what, "watch") == 0)
        watch(with);
    if (strcmp(what, "userns") == 0)
        return tell(clone_with(CLONE_NEWUSER));
    if (strcmp(what, "unshare") == 0)
        return tell(unshare(CLONE_NEWUSER));
    if (strcmp(what, "clone3") == 0)
        return tell(syscall(SYS_clone3, NULL, 0));
    if (strcmp(what, "keyctl") == 0)
        return tell(add_key());
    if (strcmp(what, "keyring") == 0)
        return !printf("%ld\n", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
    if (strcmp(what, "vsock") == 0)
        return tell(socket(AF_VSOCK, SOCK_STREAM, 0));
    if (strcmp(what, "vsock-high-bit") == 0)
        return tell(syscall(SYS_socket, (1ul << 40) | AF_VSOCK, SOCK_STREAM, 0));
    if (strcmp(what, "alg") == 0)
        return tell(socket(AF_ALG, SOCK_SEQPACKET, 0));
    if (strcmp(what, "io_uring") == 0)
        return tell(io_uring());
    if (strcmp(what, "netlink-user") == 0)
        return tell(socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK));
    if (strcmp(what, "aio") == 0)
        return tell(asynchronous_io());
    if (strcmp(what, "bpf") == 0)
        return tell(syscall(SYS_bpf, 0, NULL, 0) < 0 && (errno == EFAULT || errno == EINVAL) ? 0 : -1);
    if (strcmp(what, "userfaultfd") == 0)
        return tell(syscall(SYS_userfaultfd, 1));
    if (strcmp(what, "socket-filter") == 0)
        return tell(socket_filter(SOL_SOCKET, SO_ATTACH_FILTER));
    if (strcmp(what, "socket-filter-high-bit") == 0)
        return tell(socket_filter(SOL_SOCKET | 1l << 40, SO_ATTACH_FILTER));
    if (strcmp(what, "reuseport-filter") == 0)
        return tell(socket_filter(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF));
    if (strcmp(what, "socket-program") == 0) /* EBADF: the kernel looked for the program */
        return tell(socket_program(SO_ATTACH_BPF) < 0 && errno == EBADF ? 0 : -1);
    if (strcmp(what, "reuseport-program") == 0)
        return tell(socket_program(SO_ATTACH_REUSEPORT_EBPF) < 0 && errno != ENOPROTOOPT ? 0 : -1);
    if (strcmp(what, "seccomp-filter") == 0)
        return tell(call_filter(false));
    if (strcmp(what, "prctl-filter") == 0)
        return tell(call_filter(true));
    if (strcmp(what, "handle") == 0)
        return tell(by_handle());
    if (strcmp(what, "read") == 0)
        return tell(open(with, O_RDONLY));
    if (strcmp(what, "write") == 0)
        return tell(write_to(with));
    if (strcmp(what, "mount") == 0)
        return tell(mount("none", with, "tmpfs", 0, NULL));
    if (strcmp(what, "mount-cgroup") == 0)
        return tell(mount("none", "/tmp", "cgroup", 0, "memory"));
    if (strcmp(what, "umount") == 0)
        return tell(umount2(with, MNT_DETACH));
    if (strcmp(what, "mknod") == 0)
        return tell(device_node(10, 229));
    if (strcmp(what, "abstract") == 0)
        return tell(abstract_socket(with, connect, socket(AF_UNIX, SOCK_STREAM, 0)));
    if (strcmp(what, "listen") == 0)
        return listen_on(with);
    if (strcmp(what, "listen-udp") == 0)
        return listen_udp(atoi(with));
    if (strcmp(what, "swap-device") == 0)
        return tell(swap_device(with));
    if (strcmp(what, "tiocsti") == 0)
        return tell(push_input(TIOCSTI));
    if (strcmp(what, "tioclinux") == 0)
        return tell(push_input(TIOCLINUX));
    if (strcmp(what, "core-limit") == 0)
        return tell(allow_cores());
    if (strcmp(what, "seals") == 0)
        return !printf("%d\n", fcntl(open(with, O_RDONLY), F_GET_SEALS));
    return 2;
}

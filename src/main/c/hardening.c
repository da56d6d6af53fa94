#include <errno.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "launcher.h"
#include "syscalls.h"

static bool is_planned(const struct plan *plan, uint32_t resource)
{
    for (uint32_t i = 0; i < plan->rlimits; i++)
        if (plan->rlimit[i].resource == resource)
            return true;
    return false;
}

/*
 * What the kernel gives its first process (include/asm-generic/resource.h), for the daemon's own limits are nobody else's.
 * Those for processes and signals follow from its memory: they are derived from the host's limit of threads.
 */
static void set_default_rlimits(const struct plan *plan, rlim_t threads)
{
    const struct {
        int resource;
        rlim_t soft, hard;
    } defaults[] = {
        {RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY},
        {RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY},
        {RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY},
        {RLIMIT_STACK, 8u << 20, RLIM_INFINITY},
        {RLIMIT_CORE, 0, RLIM_INFINITY},
        {RLIMIT_RSS, RLIM_INFINITY, RLIM_INFINITY},
        {RLIMIT_NPROC, threads, threads},
        {RLIMIT_NOFILE, 1024, 4096},
        {RLIMIT_MEMLOCK, 8u << 20, 8u << 20},
        {RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY},
        {RLIMIT_LOCKS, RLIM_INFINITY, RLIM_INFINITY},
        {RLIMIT_SIGPENDING, threads, threads},
        {RLIMIT_MSGQUEUE, 819200, 819200},
        {RLIMIT_NICE, 0, 0},
        {RLIMIT_RTPRIO, 0, 0},
        {RLIMIT_RTTIME, RLIM_INFINITY, RLIM_INFINITY},
    };

    for (unsigned i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        if (is_planned(plan, (uint32_t)defaults[i].resource))
            continue; /* what is lowered here could perhaps not be raised again */
        struct rlimit wanted = {.rlim_cur = defaults[i].soft, .rlim_max = defaults[i].hard}, own;
        if (setrlimit(defaults[i].resource, &wanted) == 0)
            continue;
        if (errno != EPERM || getrlimit(defaults[i].resource, &own) < 0)
            fail("setrlimit", "%d", defaults[i].resource);
        if (own.rlim_max < wanted.rlim_cur) /* the daemon may not raise what it was given */
            wanted.rlim_cur = own.rlim_max;
        wanted.rlim_max = own.rlim_max;
        if (setrlimit(defaults[i].resource, &wanted) < 0)
            fail("setrlimit", "%d", defaults[i].resource);
    }
}

void set_rlimits(const struct launch *launch)
{
    const struct plan *plan = &launch->plan;

    enter_stage(STAGE_RLIMITS);
    set_default_rlimits(plan, launch->host->processes);
    for (uint32_t i = 0; i < plan->rlimits; i++) {
        const struct rlimit_wanted *wanted = &plan->rlimit[i];
        enter_item(i);
        struct rlimit limit = {.rlim_cur = wanted->soft, .rlim_max = wanted->hard};
        if (setrlimit((int)wanted->resource, &limit) < 0)
            fail("setrlimit", "%u", wanted->resource);
    }
}

/* The session's keyring is inherited across everything but this: the daemon's is nobody else's, nor one sandbox's another's. */
void leave_keyring(void)
{
    enter_stage(STAGE_INIT);
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
        fail("keyctl", "KEYCTL_JOIN_SESSION_KEYRING");
}

/* For the next exec: AppArmor and SELinux take it before no-new-privileges. */
void set_label(const struct plan *plan)
{
    enter_stage(STAGE_LABEL);
    if (plan->label.length == 0)
        return;
    int fd = open_proc(plan->label_file.bytes);
    if (fd < 0 || !write_all(fd, plan->label.bytes, plan->label.length))
        fail("write", "%s, %s", plan->label_file.bytes, plan->label.bytes);
    close(fd);
}

/* The rights that a rule on anything but a directory may have (landlock(7)). */
#define LANDLOCK_FILE_ACCESS (1u << 0 | 1u << 1 | 1u << 2 | 1u << 14 | 1u << 15)

static void allow_path(int ruleset, const struct landlock_path *rule)
{
    struct stat about;
    struct landlock_beneath beneath = {.access = rule->access};

    beneath.parent = sys_openat2(AT_FDCWD, rule->path.bytes, O_PATH | O_CLOEXEC, RESOLVE_NO_MAGICLINKS);
    if (beneath.parent < 0 || fstat(beneath.parent, &about) < 0)
        fail("openat2", "%s", rule->path.bytes);
    if (!S_ISDIR(about.st_mode))
        beneath.access &= LANDLOCK_FILE_ACCESS;
    if (sys_landlock_add_rule(ruleset, LANDLOCK_PATH_BENEATH, &beneath) < 0)
        fail("landlock_add_rule", "%s", rule->path.bytes);
    close(beneath.parent);
}

void restrict_with_landlock(const struct plan *plan)
{
    const uint64_t handled[] = {plan->landlock_fs, plan->landlock_net, plan->landlock_scoped};
    size_t members = handled[2] != 0 ? 3 : handled[1] != 0 ? 2 : handled[0] != 0 ? 1 : 0;

    enter_stage(STAGE_LANDLOCK);
    if (members == 0)
        return;
    int ruleset = sys_landlock_create_ruleset(handled, members * sizeof *handled); /* older kernels know fewer members */
    if (ruleset < 0)
        fail("landlock_create_ruleset", "%#llx %#llx %#llx", (unsigned long long)handled[0], (unsigned long long)handled[1],
             (unsigned long long)handled[2]);
    for (uint32_t i = 0; i < plan->landlock_paths; i++) {
        enter_item(i);
        allow_path(ruleset, &plan->landlock_path[i]);
    }
    for (uint32_t i = 0; i < plan->landlock_ports; i++) {
        const struct landlock_port *rule = &plan->landlock_port[i];
        enter_item(plan->landlock_paths + i);
        if (sys_landlock_add_rule(ruleset, LANDLOCK_NET_PORT, (const uint64_t[]){rule->access, rule->port}) < 0)
            fail("landlock_add_rule", "port %llu", (unsigned long long)rule->port);
    }
    enter_item(WIRE_NO_ITEM);
    if (sys_landlock_restrict_self(ruleset) < 0)
        fail("landlock_restrict_self", "%u paths", plan->landlock_paths);
    close(ruleset);
}

void load_filter(const struct plan *plan)
{
    struct sock_fprog program = {
        .len = (unsigned short)(plan->filter.length / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)(uintptr_t)plan->filter.bytes, /* the kernel copies it, aligned or not */
    };

    enter_stage(STAGE_SECCOMP);
    if (program.len > 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        fail("seccomp", "%u instructions", program.len);
}

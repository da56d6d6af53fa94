#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

/*
 * The child comes as the host's root, which its user namespace does not map: files it made now would be EOVERFLOW. It
 * has every capability in its namespace, and the change to uid 0 keeps them (capabilities(7)).
 */
void become_inside_root(const struct plan *plan)
{
    enter_stage(STAGE_MAPS);
    if ((plan->flags & PLAN_DENY_SETGROUPS) == 0 && syscall(SYS_setgroups, 0, NULL) < 0)
        fail("setgroups", "none");
    if (syscall(SYS_setresgid, 0, 0, 0) < 0)
        fail("setresgid", "0");
    if (syscall(SYS_setresuid, 0, 0, 0) < 0)
        fail("setresuid", "0");
}

static void set_capabilities(uint64_t set, uint64_t inheritable)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)set, .permitted = (uint32_t)set, .inheritable = (uint32_t)inheritable},
        {.effective = (uint32_t)(set >> 32), .permitted = (uint32_t)(set >> 32), .inheritable = (uint32_t)(inheritable >> 32)},
    };

    if (syscall(SYS_capset, &header, data) < 0)
        fail("capset", "%#llx", (unsigned long long)set);
}

static void own_capabilities(struct __user_cap_data_struct data[2])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

    if (syscall(SYS_capget, &header, data) < 0)
        fail("capget", "own");
}

bool may_kill_others(void)
{
    struct __user_cap_data_struct data[2];

    own_capabilities(data);
    return (data[0].effective & 1u << CAP_KILL) != 0;
}

void make_capabilities_effective(void)
{
    struct __user_cap_data_struct data[2];

    own_capabilities(data);
    uint64_t permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    set_capabilities(permitted, data[0].inheritable | (uint64_t)data[1].inheritable << 32);
}

void forbid_new_privileges(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail("prctl", "PR_SET_NO_NEW_PRIVS");
}

void keep_only_kill(void)
{
    /* EPERM where the daemon itself may not: then it keeps what the daemon has. EINVAL: the kernel knows no more. */
    for (unsigned capability = 0; capability < 64; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            break;
    set_capabilities(1ull << CAP_KILL, 0);
    forbid_new_privileges();
}

void setup_credentials(const struct plan *plan)
{
    enter_stage(STAGE_CREDENTIALS);
    for (unsigned capability = 0; capability < 64; capability++) {
        if ((plan->capabilities >> capability & 1) != 0 || prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
            continue;
        if (errno == EINVAL && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) < 0)
            break; /* the kernel knows no more of them */
        fail("prctl", "PR_CAPBSET_DROP, %u", capability);
    }
    if ((plan->flags & PLAN_DENY_SETGROUPS) == 0 && syscall(SYS_setgroups, plan->groups, plan->group) < 0)
        fail("setgroups", "%u groups", plan->groups);
    if (syscall(SYS_setresgid, plan->gid, plan->gid, plan->gid) < 0)
        fail("setresgid", "%u", plan->gid);
    if (plan->ambient != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        fail("prctl", "PR_SET_KEEPCAPS");
    if (syscall(SYS_setresuid, plan->uid, plan->uid, plan->uid) < 0)
        fail("setresuid", "%u", plan->uid);
    enter_stage(STAGE_CAPABILITIES);
    set_capabilities(plan->uid == 0 ? plan->capabilities : plan->ambient, plan->ambient);
    for (unsigned capability = 0; capability < 64; capability++)
        if ((plan->ambient >> capability & 1) != 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
            fail("prctl", "PR_CAP_AMBIENT_RAISE, %u", capability);
}

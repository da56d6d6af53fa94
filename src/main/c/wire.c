#include "wire.h"

#include <string.h>

struct cursor {
    const uint8_t *at, *end;
    const char *wrong; /* the first thing that was; from then on everything reads as zero */
};

static void take(struct cursor *in, void *to, size_t size, const char *what)
{
    if (in->wrong != NULL || (size_t)(in->end - in->at) < size) {
        if (in->wrong == NULL)
            in->wrong = what;
        memset(to, 0, size);
        return;
    }
    memcpy(to, in->at, size);
    in->at += size;
}

static uint32_t take_u32(struct cursor *in, const char *what)
{
    uint32_t value;
    take(in, &value, sizeof value, what);
    return value;
}

static uint64_t take_u64(struct cursor *in, const char *what)
{
    uint64_t value;
    take(in, &value, sizeof value, what);
    return value;
}

static struct span take_bytes(struct cursor *in, const char *what)
{
    struct span span = {"", 0};
    uint32_t length = take_u32(in, what);

    if (in->wrong != NULL)
        return span;
    if ((size_t)(in->end - in->at) <= length || in->at[length] != 0) {
        in->wrong = what;
        return span;
    }
    span.bytes = (const char *)in->at;
    span.length = length;
    in->at += (size_t)length + 1;
    return span;
}

static struct span take_span(struct cursor *in, const char *what)
{
    struct span span = take_bytes(in, what);

    if (memchr(span.bytes, 0, span.length) != NULL)
        in->wrong = what;
    return in->wrong == NULL ? span : (struct span){"", 0};
}

static struct span_list take_list(struct cursor *in, const char *what)
{
    struct span_list list = {take_u32(in, what), in->at};

    for (uint32_t i = 0; i < list.count && in->wrong == NULL; i++)
        (void)take_span(in, what);
    return list;
}

static uint32_t take_count(struct cursor *in, uint32_t most, const char *what)
{
    uint32_t count = take_u32(in, what);

    if (count > most && in->wrong == NULL)
        in->wrong = what;
    return in->wrong == NULL ? count : 0;
}

static uint32_t take_fd(struct cursor *in, uint32_t fds, const char *what)
{
    uint32_t fd = take_u32(in, what);

    if (fd != WIRE_NO_FD && fd >= fds && in->wrong == NULL)
        in->wrong = what;
    return fd;
}

struct span span_next(const uint8_t **at)
{
    struct span span;

    memcpy(&span.length, *at, sizeof span.length);
    span.bytes = (const char *)*at + sizeof span.length;
    *at += sizeof span.length + span.length + 1;
    return span;
}

/* One that has to be there. */
static uint32_t take_needed_fd(struct cursor *in, uint32_t fds, const char *what)
{
    uint32_t fd = take_fd(in, fds, what);

    if (fd == WIRE_NO_FD && in->wrong == NULL)
        in->wrong = what;
    return fd;
}

static void take_joins(struct cursor *in, struct plan *plan, uint32_t fds)
{
    plan->joins = take_count(in, PLAN_JOINS_MAX, "joins");
    for (uint32_t i = 0; i < plan->joins; i++) {
        plan->join[i].flag = take_u32(in, "join");
        plan->join[i].fd = take_needed_fd(in, fds, "join");
    }
}

static void take_descriptors(struct cursor *in, struct plan *plan, uint32_t fds)
{
    plan->fd_cgroup = take_fd(in, fds, "fd_cgroup");
    plan->fd_freezer = take_fd(in, fds, "fd_freezer");
    plan->v1_groups = take_count(in, PLAN_V1_GROUPS_MAX, "v1_groups");
    for (uint32_t i = 0; i < plan->v1_groups; i++)
        plan->v1_group[i] = take_needed_fd(in, fds, "v1_group");
    plan->fd_root = take_fd(in, fds, "fd_root");
    plan->fd_upper = take_fd(in, fds, "fd_upper");
    plan->fd_stdin = take_fd(in, fds, "fd_stdin");
    plan->fd_log = take_fd(in, fds, "fd_log");
    plan->fd_run = take_fd(in, fds, "fd_run");
    plan->fd_state = take_fd(in, fds, "fd_state");
}

static void take_root(struct cursor *in, struct plan *plan)
{
    plan->root_kind = take_u32(in, "root_kind");
    plan->root_mapped = take_u32(in, "root_mapped");
    plan->root_read_only = take_u32(in, "root_read_only");
    plan->root_uid = take_u32(in, "root_uid");
    plan->root_gid = take_u32(in, "root_gid");
    plan->upper_bytes = take_u64(in, "upper_bytes");
    plan->prepareds = take_count(in, PLAN_PREPARED_MAX, "prepareds");
    for (uint32_t i = 0; i < plan->prepareds; i++) {
        plan->prepared[i].mode = take_u32(in, "prepared");
        plan->prepared[i].opaque = take_u32(in, "prepared");
        plan->prepared[i].path = take_span(in, "prepared");
        plan->prepared[i].content = take_span(in, "prepared");
    }
    if (plan->root_kind > ROOT_OVERLAY && in->wrong == NULL)
        in->wrong = "root_kind";
    if (plan->root_kind == ROOT_TREE && plan->fd_root == WIRE_NO_FD && in->wrong == NULL)
        in->wrong = "root_kind";
}

static void take_maps(struct cursor *in, struct plan *plan)
{
    plan->uid_map = take_span(in, "uid_map");
    plan->gid_map = take_span(in, "gid_map");
    plan->monotonic_offset_seconds = (int64_t)take_u64(in, "monotonic_offset_seconds");
    plan->boottime_offset_seconds = (int64_t)take_u64(in, "boottime_offset_seconds");
}

static void take_credentials(struct cursor *in, struct plan *plan)
{
    plan->uid = take_u32(in, "uid");
    plan->gid = take_u32(in, "gid");
    plan->groups = take_count(in, PLAN_GROUPS_MAX, "groups");
    for (uint32_t i = 0; i < plan->groups; i++)
        plan->group[i] = take_u32(in, "group");
    plan->capabilities = take_u64(in, "capabilities");
    plan->ambient = take_u64(in, "ambient");
}

static void take_limits(struct cursor *in, struct plan *plan)
{
    plan->timeout_nanos = take_u64(in, "timeout_nanos");
    plan->log_limit_bytes = take_u64(in, "log_limit_bytes");
    plan->capture_limit_bytes = take_u64(in, "capture_limit_bytes");
    plan->shm_bytes = take_u64(in, "shm_bytes");
}

static void take_hardening(struct cursor *in, struct plan *plan)
{
    plan->rlimits = take_count(in, PLAN_RLIMITS_MAX, "rlimits");
    for (uint32_t i = 0; i < plan->rlimits; i++) {
        plan->rlimit[i].resource = take_u32(in, "rlimit");
        plan->rlimit[i].soft = take_u64(in, "rlimit");
        plan->rlimit[i].hard = take_u64(in, "rlimit");
    }
    plan->sysctls = take_list(in, "sysctls");
    if (plan->sysctls.count % 2 != 0 && in->wrong == NULL)
        in->wrong = "sysctls";
    plan->label_file = take_span(in, "label_file");
    plan->label = take_span(in, "label");
    plan->landlock_fs = take_u64(in, "landlock_fs");
    plan->landlock_net = take_u64(in, "landlock_net");
    plan->landlock_scoped = take_u64(in, "landlock_scoped");
    plan->landlock_paths = take_count(in, PLAN_LANDLOCK_PATHS_MAX, "landlock_paths");
    for (uint32_t i = 0; i < plan->landlock_paths; i++) {
        plan->landlock_path[i].access = take_u64(in, "landlock_path");
        plan->landlock_path[i].path = take_span(in, "landlock_path");
    }
    plan->landlock_ports = take_count(in, PLAN_LANDLOCK_PORTS_MAX, "landlock_ports");
    for (uint32_t i = 0; i < plan->landlock_ports; i++) {
        plan->landlock_port[i].access = take_u64(in, "landlock_port");
        plan->landlock_port[i].port = take_u64(in, "landlock_port");
    }
    plan->filter = take_bytes(in, "filter");
    if (in->wrong == NULL && plan->filter.length % 8 != 0)
        in->wrong = "filter";
}

static void take_mounts(struct cursor *in, struct plan *plan, uint32_t fds)
{
    plan->attachments = take_count(in, PLAN_ATTACHMENTS_MAX, "attachments");
    for (uint32_t i = 0; i < plan->attachments; i++) {
        plan->attachment[i].fd = take_needed_fd(in, fds, "attachment");
        plan->attachment[i].target = take_span(in, "attachment");
    }
    plan->devices = take_count(in, PLAN_DEVICES_MAX, "devices");
    for (uint32_t i = 0; i < plan->devices; i++) {
        plan->device[i].fd = take_needed_fd(in, fds, "device");
        plan->device[i].path = take_span(in, "device");
    }
    plan->masked = take_list(in, "masked");
    plan->read_only = take_list(in, "read_only");
}

static void take_command(struct cursor *in, struct plan *plan)
{
    plan->hostname = take_span(in, "hostname");
    plan->arguments = take_list(in, "arguments");
    plan->environment = take_list(in, "environment");
    plan->working_directory = take_span(in, "working_directory");
    if (plan->arguments.count == 0 && in->wrong == NULL)
        in->wrong = "no arguments";
}

const char *plan_decode(struct plan *plan, const uint8_t *bytes, size_t length, uint32_t fds)
{
    struct cursor in = {bytes, bytes + length, NULL};

    memset(plan, 0, sizeof *plan);
    if (take_u32(&in, "magic") != WIRE_MAGIC)
        return "magic";
    if (take_u32(&in, "version") != WIRE_VERSION)
        return "version";
    plan->kind = take_u32(&in, "kind");
    if (plan->kind >= LAUNCH_KINDS)
        return "kind";
    plan->flags = take_u32(&in, "flags");
    if ((plan->flags & PLAN_IN_MEMFD) != 0)
        return in.at == in.end ? in.wrong : "bytes beside a memfd";
    plan->new_namespaces = take_u32(&in, "new_namespaces");
    take_joins(&in, plan, fds);
    take_descriptors(&in, plan, fds);
    take_root(&in, plan);
    take_maps(&in, plan);
    take_credentials(&in, plan);
    take_limits(&in, plan);
    take_hardening(&in, plan);
    take_mounts(&in, plan, fds);
    take_command(&in, plan);
    if (in.wrong == NULL && in.at != in.end)
        in.wrong = "bytes after the plan";
    return in.wrong;
}

bool plan_captures(const struct plan *plan)
{
    switch ((enum launch_kind)plan->kind) {
    case LAUNCH_RUN:
    case LAUNCH_EXEC:
        return true;
    case LAUNCH_SANDBOX:
    case LAUNCH_DETACHED:
    case LAUNCH_KEEPER:
    case LAUNCH_KINDS:
        break;
    }
    return false;
}

bool plan_ends_with_daemon(const struct plan *plan)
{
    return plan_captures(plan) || plan->kind == LAUNCH_KEEPER;
}

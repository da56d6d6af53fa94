/*
 * The decoder of wire.h, built with the sanitizers.
 *
 *   wire-test golden              decodes a small plan, then every cut and many thousand corruptions of it
 *   wire-test decode FILE FDS     decodes the bytes that the Java codec wrote and prints what it understood
 */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

_Static_assert(sizeof(struct report_launched) == 68, "Java reads these bytes");
_Static_assert(sizeof(struct report_failed) == 256, "Java reads these bytes");
_Static_assert(sizeof(struct report_output) == 8, "Java reads these bytes");
_Static_assert(sizeof(struct report_exited) == 56 + 68, "Java reads these bytes");
_Static_assert(sizeof(struct log_frame) == 16, "Java reads these bytes");

struct bytes {
    uint8_t data[8192];
    size_t length;
};

static void put(struct bytes *to, const void *data, size_t size)
{
    memcpy(to->data + to->length, data, size);
    to->length += size;
}

static void put_u32(struct bytes *to, uint32_t value)
{
    put(to, &value, sizeof value);
}

static void put_u64(struct bytes *to, uint64_t value)
{
    put(to, &value, sizeof value);
}

static void put_string(struct bytes *to, const char *text)
{
    put_u32(to, (uint32_t)strlen(text));
    put(to, text, strlen(text) + 1);
}

static void put_list(struct bytes *to)
{
    put_u32(to, 2);
    put_string(to, "one");
    put_string(to, "");
}

/* The sections in the order of struct plan. */
static void put_plan(struct bytes *to)
{
    put_u32(to, WIRE_MAGIC);
    put_u32(to, WIRE_VERSION);
    put_u32(to, LAUNCH_RUN);
    put_u32(to, PLAN_INIT | PLAN_NO_NEW_PRIVS);
    put_u32(to, 0x10000000);

    put_u32(to, 1); /* joins */
    put_u32(to, 0x40000000);
    put_u32(to, 1);

    put_u32(to, 0); /* descriptors */
    put_u32(to, 1);
    put_u32(to, 1); /* v1 groups */
    put_u32(to, 1);
    for (uint32_t i = 0; i < 6; i++)
        put_u32(to, WIRE_NO_FD);

    put_u32(to, ROOT_OVERLAY);
    put_u32(to, 0);
    put_u32(to, 0);
    put_u32(to, 1000);
    put_u32(to, 1001);
    put_u64(to, 1 << 20);
    put_u32(to, 1); /* prepared */
    put_u32(to, 040755);
    put_u32(to, 1);
    put_string(to, "tmp");
    put_string(to, "");

    put_string(to, "0 524288 65536\n"); /* maps and clocks */
    put_string(to, "0 524288 65536\n");
    put_u64(to, 6);
    put_u64(to, 7);

    put_u32(to, 1002); /* credentials */
    put_u32(to, 1003);
    put_u32(to, 2);
    put_u32(to, 4);
    put_u32(to, 5);
    put_u64(to, 1);
    put_u64(to, 2);

    for (uint64_t i = 0; i < 4; i++) /* limits */
        put_u64(to, i);

    put_u32(to, 1); /* hardening: rlimits */
    put_u32(to, 7);
    put_u64(to, 1024);
    put_u64(to, 2048);
    put_list(to); /* sysctls */
    put_string(to, "/proc/self/attr/exec");
    put_string(to, "label");
    for (uint64_t i = 0; i < 3; i++) /* landlock */
        put_u64(to, i);
    put_u32(to, 1);
    put_u64(to, 12);
    put_string(to, "/usr");
    put_u32(to, 1);
    put_u64(to, 2);
    put_u64(to, 443);
    put_string(to, "12345678"); /* filter */

    put_u32(to, 1); /* mounts */
    put_u32(to, 0);
    put_string(to, "/usr");
    put_u32(to, 1); /* devices */
    put_u32(to, 0);
    put_string(to, "fuse");
    put_list(to); /* masked */
    put_list(to); /* read-only */

    put_string(to, "box"); /* the command */
    put_list(to);
    put_list(to);
    put_string(to, "/");
}

/* A copy that ends where its memory ends, so that the sanitizer sees every byte read behind it. */
static const char *decode_exactly(const uint8_t *data, size_t length, uint32_t fds, struct plan *plan)
{
    uint8_t *copy = malloc(length == 0 ? 1 : length);
    assert(copy != NULL);
    memcpy(copy, data, length);
    const char *wrong = plan_decode(plan, copy, length, fds);

    if (wrong == NULL && (plan->flags & PLAN_IN_MEMFD) == 0) {
        struct span_list lists[] = {plan->sysctls, plan->masked, plan->read_only, plan->arguments, plan->environment};
        size_t total = 0;
        for (size_t i = 0; i < 5; i++)
            for (uint32_t n = 0; n < lists[i].count; n++) {
                struct span span = span_next(&lists[i].at);
                total += strlen(span.bytes);
                assert(strlen(span.bytes) == span.length);
            }
        assert(total <= length);
    }
    free(copy);
    return wrong;
}

static void golden(void)
{
    struct bytes bytes = {.length = 0};
    struct plan plan;

    put_plan(&bytes);
    assert(decode_exactly(bytes.data, bytes.length, 2, &plan) == NULL);
    assert(plan.joins == 1 && plan.join[0].fd == 1 && plan.groups == 2 && plan.group[1] == 5 && plan.gid == 1003);
    assert(plan.arguments.count == 2 && plan.attachments == 1 && plan.prepareds == 1 && plan.boottime_offset_seconds == 7);
    assert(plan.rlimit[0].hard == 2048 && plan.landlock_port[0].port == 443 && plan.filter.length == 8 &&
           plan.sysctls.count == 2);
    assert(decode_exactly(bytes.data, bytes.length, 1, &plan) != NULL); /* a descriptor that did not come */
    bytes.data[bytes.length] = 0;
    assert(decode_exactly(bytes.data, bytes.length + 1, 2, &plan) != NULL);
    for (size_t length = 0; length < bytes.length; length++)
        assert(decode_exactly(bytes.data, length, 2, &plan) != NULL);

    unsigned seed = 1, accepted = 0;
    for (int round = 0; round < 200000; round++) {
        struct bytes broken = bytes;
        for (int flips = 1 + round % 4; flips > 0; flips--) {
            seed = seed * 1103515245u + 12345u;
            broken.data[(seed >> 8) % broken.length] = (uint8_t)(seed >> 24);
        }
        accepted += decode_exactly(broken.data, broken.length, 2, &plan) == NULL;
    }
    printf("wire-test: every cut refused; of 200000 corruptions %u decode, none reads outside\n", accepted);
}

static void print_list(const char *name, struct span_list list)
{
    for (uint32_t i = 0; i < list.count; i++)
        printf("%s %s\n", name, span_next(&list.at).bytes);
}

static int decode(const char *file, uint32_t fds)
{
    static uint8_t data[WIRE_PLAN_MAX];
    struct plan plan;
    FILE *in = fopen(file, "rb");
    assert(in != NULL);
    size_t length = fread(data, 1, sizeof data, in);
    fclose(in);
    const char *wrong = plan_decode(&plan, data, length, fds);

    if (wrong != NULL) {
        printf("wrong %s\n", wrong);
        return 1;
    }
    printf("kind %u\nflags %x\nnamespaces %x\n", plan.kind, plan.flags, plan.new_namespaces);
    printf("fds %d %d %d %d %d %d %d %d\n", (int)plan.fd_cgroup, (int)plan.fd_freezer, (int)plan.fd_root, (int)plan.fd_upper,
           (int)plan.fd_stdin, (int)plan.fd_log, (int)plan.fd_run, (int)plan.fd_state);
    printf("root %u %u %u %u %u %llu\n", plan.root_kind, plan.root_mapped, plan.root_read_only, plan.root_uid, plan.root_gid,
           (unsigned long long)plan.upper_bytes);
    printf("ids %u %u\ncapabilities %llx %llx\n", plan.uid, plan.gid, (unsigned long long)plan.capabilities,
           (unsigned long long)plan.ambient);
    printf("landlock %llx %llx %llx\n", (unsigned long long)plan.landlock_fs, (unsigned long long)plan.landlock_net,
           (unsigned long long)plan.landlock_scoped);
    printf("limits %llu %llu %llu %llu\n", (unsigned long long)plan.timeout_nanos, (unsigned long long)plan.log_limit_bytes,
           (unsigned long long)plan.capture_limit_bytes, (unsigned long long)plan.shm_bytes);
    printf("offsets %lld %lld\n", (long long)plan.monotonic_offset_seconds, (long long)plan.boottime_offset_seconds);
    for (uint32_t i = 0; i < plan.joins; i++)
        printf("join %x %u\n", plan.join[i].flag, plan.join[i].fd);
    for (uint32_t i = 0; i < plan.groups; i++)
        printf("group %u\n", plan.group[i]);
    for (uint32_t i = 0; i < plan.attachments; i++)
        printf("attachment %u %s\n", plan.attachment[i].fd, plan.attachment[i].target.bytes);
    for (uint32_t i = 0; i < plan.prepareds; i++)
        printf("prepared %o %u %s %s\n", plan.prepared[i].mode, plan.prepared[i].opaque, plan.prepared[i].path.bytes,
               plan.prepared[i].content.bytes);
    for (uint32_t i = 0; i < plan.v1_groups; i++)
        printf("v1_group %u\n", plan.v1_group[i]);
    for (uint32_t i = 0; i < plan.devices; i++)
        printf("device %u %s\n", plan.device[i].fd, plan.device[i].path.bytes);
    for (uint32_t i = 0; i < plan.rlimits; i++)
        printf("rlimit %u %llu %llu\n", plan.rlimit[i].resource, (unsigned long long)plan.rlimit[i].soft,
               (unsigned long long)plan.rlimit[i].hard);
    for (uint32_t i = 0; i < plan.landlock_paths; i++)
        printf("landlock_path %llx %s\n", (unsigned long long)plan.landlock_path[i].access, plan.landlock_path[i].path.bytes);
    for (uint32_t i = 0; i < plan.landlock_ports; i++)
        printf("landlock_port %llx %llu\n", (unsigned long long)plan.landlock_port[i].access,
               (unsigned long long)plan.landlock_port[i].port);
    printf("filter %u\n", plan.filter.length);
    printf("label %s %s\n", plan.label_file.bytes, plan.label.bytes);
    print_list("sysctl", plan.sysctls);
    printf("uid_map %s", plan.uid_map.bytes);
    printf("gid_map %s", plan.gid_map.bytes);
    printf("hostname %s\ndirectory %s\n", plan.hostname.bytes, plan.working_directory.bytes);
    print_list("masked", plan.masked);
    print_list("read_only", plan.read_only);
    print_list("argument", plan.arguments);
    print_list("variable", plan.environment);
    return 0;
}

int main(int count, char **arguments)
{
    if (count == 4 && strcmp(arguments[1], "decode") == 0)
        return decode(arguments[2], (uint32_t)atoi(arguments[3]));
    golden();
    return 0;
}

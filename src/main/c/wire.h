/*
 * The messages between daemon and launcher: the only definition of both. Every number is in the byte order of the
 * machine (both ends run on it) and unaligned; a string is its length (u32, without the end) and its bytes, which a
 * zero byte follows; a list is its length (u32) and its members.
 *
 * Daemon to monitor, one message on a SEQPACKET socket: a plan with the descriptors that it names by their place in
 * SCM_RIGHTS. A plan of more than WIRE_INLINE_MAX bytes travels in a sealed memfd, which is then the last descriptor,
 * beside an empty plan header with PLAN_IN_MEMFD. Monitor to daemon: reports. To a keeper's monitor the daemon may send one
 * byte more: then the keeper outlives the daemon, whose end is otherwise its own, as for a run.
 *
 * dev.seahaven.launcher.PlanCodec and ReportCodec write and read the same bytes; src/test holds golden ones for both.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC 0x4e565348u /* "HSVN" */
#define WIRE_VERSION 4u
#define WIRE_NO_ITEM 0xffffffffu
#define WIRE_INLINE_MAX (64u * 1024u)
#define WIRE_PLAN_MAX (4u * 1024u * 1024u)
#define WIRE_FDS_MAX 96u
#define WIRE_NO_FD 0xffffffffu

/* What is launched. dev.seahaven.launcher.LaunchKind has the same order. */
enum launch_kind {
    LAUNCH_SANDBOX,  /* kept: it logs, writes its records, and outlives the daemon */
    LAUNCH_RUN,      /* its output goes to the daemon, and the end of the daemon is its end */
    LAUNCH_EXEC,     /* a program in namespaces that exist; captured as a run is */
    LAUNCH_DETACHED, /* a program in namespaces that exist, whose output is lost; it outlives the daemon */
    LAUNCH_KEEPER,   /* no program: the child stays in its namespaces until it is told to end and is alone there */
    LAUNCH_KINDS,
};

enum plan_flag {
    PLAN_IN_MEMFD = 1u << 0,
    PLAN_INIT = 1u << 1,            /* pid 1 is our init, the command its child */
    PLAN_NO_NEW_PRIVS = 1u << 2,    /* prctl(2) PR_SET_NO_NEW_PRIVS */
    PLAN_CGROUP_NS = 1u << 3,       /* a new cgroup namespace, unshared by the child in its cgroups */
    PLAN_TIME_NS = 1u << 4,         /* a new time namespace with the offsets of the plan */
    PLAN_LOOPBACK = 1u << 5,        /* set lo up: the network namespace is new and ours */
    PLAN_DENY_SETGROUPS = 1u << 6,  /* the user namespace is to forbid setgroups(2), or one that is joined does */
    PLAN_PROC = 1u << 7,            /* proc of the child's pid namespace on /proc */
    PLAN_SYSFS = 1u << 8,           /* sysfs of the child's network namespace on /sys, read-only */
    PLAN_MQUEUE = 1u << 9,          /* mqueue of the child's ipc namespace on /dev/mqueue */
    PLAN_PTS_GID_5 = 1u << 10,      /* group 5 (tty) is mapped, so devpts can give its terminals to it */
    PLAN_PID_SHARED = 1u << 11,     /* the pid namespace is not the sandbox's own: the end is cgroup.kill, init a subreaper */
    PLAN_SYSFS_WRITABLE = 1u << 12, /* with PLAN_SYSFS: not read-only */
    PLAN_FIRST_KILLED = 1u << 13,   /* what users run is what the kernel kills first for want of memory */
};

enum root_kind {
    ROOT_NONE = 0,    /* the host's or another's; in a new mount namespace its copy, with the attachments */
    ROOT_TREE = 1,    /* the tree at fd_root, id-mapped with the child's user namespace where root_mapped is set */
    ROOT_OVERLAY = 2, /* an overlay over it, or over the host's own / when fd_root is absent */
};

struct span {
    const char *bytes; /* a zero byte follows */
    uint32_t length;
};

struct span_list {
    uint32_t count;
    const uint8_t *at; /* the first of them, still encoded */
};

struct join {
    uint32_t flag; /* one CLONE_NEW* */
    uint32_t fd;
};

struct attachment {
    uint32_t fd; /* a detached mount */
    struct span target;
};

struct device {
    uint32_t fd;      /* a detached mount of a device node */
    struct span path; /* below /dev, without a leading slash */
};

struct rlimit_wanted {
    uint32_t resource; /* RLIMIT_* */
    uint64_t soft, hard;
};

struct landlock_path {
    uint64_t access; /* LANDLOCK_ACCESS_FS_* */
    struct span path;
};

struct landlock_port {
    uint64_t access; /* LANDLOCK_ACCESS_NET_* */
    uint64_t port;
};

struct prepared {
    uint32_t mode; /* with its type: S_IFDIR or S_IFREG */
    uint32_t opaque;
    struct span path;
    struct span content; /* of a file */
};

#define PLAN_JOINS_MAX 8
#define PLAN_GROUPS_MAX 1024
#define PLAN_ATTACHMENTS_MAX 32
#define PLAN_PREPARED_MAX 32
#define PLAN_V1_GROUPS_MAX 10
#define PLAN_DEVICES_MAX 16
#define PLAN_RLIMITS_MAX 16
#define PLAN_LANDLOCK_PATHS_MAX 129 /* 64 to read, 64 to write, and /dev */
#define PLAN_LANDLOCK_PORTS_MAX 128

/* The sections in the order in which they travel; PlanCodec writes and plan_decode() reads them so. */
struct plan {
    uint32_t kind; /* enum launch_kind */
    uint32_t flags;
    uint32_t new_namespaces; /* CLONE_NEW* for clone3(2); never cgroup or time */

    /* joins */
    uint32_t joins;
    struct join join[PLAN_JOINS_MAX];

    /* descriptors */
    uint32_t fd_cgroup;  /* the cgroup2 directory */
    uint32_t fd_freezer; /* the v1 freezer directory, where there is no cgroup2 */
    uint32_t v1_groups;
    uint32_t v1_group[PLAN_V1_GROUPS_MAX]; /* directories on v1 hierarchies to be entered, the freezer among them */
    uint32_t fd_root;
    uint32_t fd_upper; /* directory for upper and work of the overlay; absent: a tmpfs of upper_bytes */
    uint32_t fd_stdin; /* absent: /dev/null */
    uint32_t fd_log;   /* absent where output is captured */
    uint32_t fd_run;   /* file for the report LAUNCHED */
    uint32_t fd_state; /* directory for the exit record */

    /* root */
    uint32_t root_kind;
    uint32_t root_mapped;
    uint32_t root_read_only;
    uint32_t root_uid, root_gid; /* of inside root, seen from the host */
    uint64_t upper_bytes;
    uint32_t prepareds;
    struct prepared prepared[PLAN_PREPARED_MAX];

    /* maps and clocks */
    struct span uid_map, gid_map; /* text for /proc/PID/uid_map; empty: not ours to write */
    int64_t monotonic_offset_seconds, boottime_offset_seconds;

    /* credentials */
    uint32_t uid, gid; /* of the command, seen from the inside */
    uint32_t groups;
    uint32_t group[PLAN_GROUPS_MAX];
    uint64_t capabilities; /* permitted, effective and bounding set, as a bit mask */
    uint64_t ambient;      /* inheritable and ambient set */

    /* limits */
    uint64_t timeout_nanos; /* 0: none */
    uint64_t log_limit_bytes;
    uint64_t capture_limit_bytes; /* of each stream */
    uint64_t shm_bytes;           /* of /dev/shm, where there is a root */

    /* hardening */
    uint32_t rlimits;
    struct rlimit_wanted rlimit[PLAN_RLIMITS_MAX];
    struct span_list sysctls;                            /* below /proc/sys; each path is followed by its value */
    struct span label_file, label;                       /* what to write where, for a security module; empty: nothing */
    uint64_t landlock_fs, landlock_net, landlock_scoped; /* what is handled; all 0: no Landlock */
    uint32_t landlock_paths;
    struct landlock_path landlock_path[PLAN_LANDLOCK_PATHS_MAX];
    uint32_t landlock_ports;
    struct landlock_port landlock_port[PLAN_LANDLOCK_PORTS_MAX];
    struct span filter; /* struct sock_filter[]; empty: none */

    /* mounts */
    uint32_t attachments;
    struct attachment attachment[PLAN_ATTACHMENTS_MAX];
    uint32_t devices;
    struct device device[PLAN_DEVICES_MAX];
    struct span_list masked, read_only;

    /* the command */
    struct span hostname; /* empty: left as it is */
    struct span_list arguments, environment;
    struct span working_directory;
};

/* Whether the output of the command goes to the daemon. */
bool plan_captures(const struct plan *plan);

/* Whether the end of the daemon, or of its interest, is the end of what was launched. */
bool plan_ends_with_daemon(const struct plan *plan);

/* Decodes a plan of length bytes that came with fds descriptors; the spans point into bytes. Returns NULL, or what is wrong. */
const char *plan_decode(struct plan *plan, const uint8_t *bytes, size_t length, uint32_t fds);

/* The next member of a decoded list; call it list.count times. */
struct span span_next(const uint8_t **at);

enum report_type {
    REPORT_LAUNCHED = 1, /* the command was executed */
    REPORT_FAILED = 2,   /* it was not; nothing is left but what the daemon claimed */
    REPORT_OUTPUT = 3,   /* bytes of a run's output */
    REPORT_EXITED = 4,   /* the end; also the exit record */
};

enum end_reason {
    END_BY_ITSELF = 0, /* exited or signaled: the status tells */
    END_TIMED_OUT = 1,
    END_OUTPUT_LIMIT = 2,
    END_CANCELLED = 3,
};

enum phase { PHASE_CLONE, PHASE_MAPS, PHASE_ROOT, PHASE_SETUP, PHASES };

struct report_launched {
    uint32_t type;
    int32_t monitor_pid, pid;
    uint64_t monitor_start_ticks, start_ticks; /* field 22 of /proc/PID/stat: a pid with it is unique until a reboot */
    uint64_t started_nanos;                    /* CLOCK_REALTIME */
    uint64_t phase_nanos[PHASES];
} __attribute__((packed));

struct report_failed {
    uint32_t type;
    uint32_t stage;
    int32_t error;  /* errno, or 0 */
    uint32_t item;  /* which item of the plan failed at this stage, in the plan's order; WIRE_NO_ITEM: none of them */
    char text[240]; /* call(arguments) for people to read, cut where it is too long, zero-terminated */
} __attribute__((packed));

struct report_output {
    uint32_t type;
    uint32_t stream;       /* 1 or 2 */
} __attribute__((packed)); /* and the bytes */

struct report_exited {
    uint32_t type;
    uint32_t reason;
    int32_t status;          /* as of wait(2) */
    uint32_t truncated;      /* bit 0: stdout, bit 1: stderr */
    uint64_t finished_nanos; /* CLOCK_REALTIME */
    uint64_t run_nanos;      /* from LAUNCHED to the end */
    uint64_t cpu_micros, peak_memory_bytes;
    uint32_t stdout_bytes, stderr_bytes; /* what follows: the rest of a run's output, not sent before */
    struct report_launched launched;
} __attribute__((packed));

/* A frame of the log file; the bytes follow. */
struct log_frame {
    uint64_t time_nanos; /* CLOCK_REALTIME */
    uint32_t stream;
    uint32_t length;
} __attribute__((packed));

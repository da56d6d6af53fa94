/* What the roles of the launcher share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fail.h"
#include "io.h"
#include "wire.h"

/* Places in the spawner's mount namespace, which holds nothing else (docs/adr/0002). */
#define PLACE_HOST "/host"       /* the host's own /, without what is mounted below it */
#define PLACE_DEVICES "/devices" /* the host's /dev, for its device nodes */
#define PLACE_EMPTY "/empty"     /* read-only; hides directories */
#define PLACE_ROOT "/root"       /* where a child puts its root before it changes to it */
#define PLACE_STAGE "/stage"     /* where a child builds /dev */
#define PLACE_WORK "/work"       /* layers of overlays, while they are mounted */

/* Descriptors of a child, from its first step on. */
enum child_fd { FD_STDIN, FD_STDOUT, FD_STDERR, FD_SYNC, FD_STATUS, FD_PROC, FD_FIRST_FREE };

/* The spawner keeps /dev/null on every number up to this one: so dup3 to a child_fd never hits a source. */
#define FD_NULL 9

struct host { /* of the spawner, inherited by every monitor */
    pid_t spawner;
    int requests, wanted; /* sockets and pipe: requests come, and monitors tell that more of them are wanted */
    int net_ns, ipc_ns;   /* its own namespaces, for the way back */
    int proc;             /* its /proc: what is mounted there elsewhere may be anything */
    int last_fd;          /* what a monitor opens comes after it */
    uint64_t processes;   /* the kernel's default for RLIMIT_NPROC: half of what the host can have */
    bool proc_has_pidns;  /* proc takes the option pidns (Linux 6.17) */
};

/* Shared with the child until it executes the command: what the monitor learns without being woken. */
struct progress {
    uint64_t executed_nanos, executed_monotonic_nanos; /* 0: not that far */
};

struct launch {
    const struct host *host;
    struct plan plan;
    int fds[WIRE_FDS_MAX]; /* by the number in the plan */
    int channel;           /* to the daemon, -1 when it is gone */
    int sync, status;      /* the monitor's ends */
    struct progress *progress;
    int64_t clock_offset_nanos; /* of the child's monotonic clock */
    int child_sync, child_status, child_out[2], child_err[2];
    pid_t pid;
    int pidfd;
    uint64_t phase_nanos[PHASES];
};

/* Mounts that the monitor sends to the child, in this order; those that the plan does not ask for are left out. */
enum mount_fd { MOUNT_ROOT, MOUNT_PROC, MOUNT_SYSFS, MOUNT_MQUEUE, MOUNTS_FIXED };
#define MOUNT_FDS_MAX (MOUNTS_FIXED + PLAN_ATTACHMENTS_MAX + PLAN_DEVICES_MAX)

struct mounts {
    int fd[MOUNT_FDS_MAX]; /* -1: not there; after MOUNTS_FIXED the attachments, and then the devices */
};

/* places.c */
void make_mount_namespace(void);

/* seats.c */
bool make_seats(void);
bool reserve_seat(void);
void return_seat(void);
void free_seat(pid_t monitor);
bool monitor_sits_down(void); /* false: enough of them wait */
void monitor_stands_up(const struct host *host);

/* spawner.c */
__attribute__((noreturn)) void refuse(const char *what); /* before there is anybody to report to */
__attribute__((noreturn)) void run_spawner(struct host *host);

/* monitor.c */
__attribute__((noreturn)) void run_monitor(const struct host *host);

/* clone.c */
void start_child(struct launch *launch);
void write_oom_score(const struct launch *launch);
void write_maps(const struct launch *launch);
void send_maps_written(const struct launch *launch);
void wait_for_maps(void); /* in the child */

/* mounts.c, in the monitor */
extern uint64_t work_key; /* of this spawner: makes the names of its monitors' layers */
int make_root(const struct launch *launch);
void guard_trees(const struct launch *launch);
void make_kernel_filesystems(const struct launch *launch, struct mounts *mounts);
void remove_work(pid_t monitor); /* detaches the layers of an overlay that is mounted, or will never be */
void send_mounts(const struct launch *launch, const struct mounts *mounts);

/* mounts.c, in the child */
void build_devices(const struct plan *plan);
void receive_mounts(const struct plan *plan, struct mounts *mounts);
void setup_mounts(const struct plan *plan, const struct mounts *mounts);
void mask_paths(const struct plan *plan, const struct mounts *mounts);
void change_root(const struct plan *plan, const struct mounts *mounts);
void refresh_mounts(const struct plan *plan, const struct mounts *mounts); /* in a copy of another's mounts */

/* child.c */
__attribute__((noreturn)) void sandbox_child(struct launch *launch);
__attribute__((noreturn)) void run_command(const struct launch *launch);

/* credentials.c */
void become_inside_root(const struct plan *plan);
void setup_credentials(const struct plan *plan);
bool may_kill_others(void);
void make_capabilities_effective(void); /* all that are permitted */
void forbid_new_privileges(void);
void keep_only_kill(void); /* all that init needs: the command may have another uid */

/* hardening.c, in the command */
void leave_keyring(void);
void set_rlimits(const struct launch *launch);
void set_label(const struct plan *plan);
void restrict_with_landlock(const struct plan *plan);
void load_filter(const struct plan *plan);

/* init.c */
void remember_arguments(char *first); /* the memory that ps shows as the command line */
__attribute__((noreturn)) void run_init(const struct launch *launch);
__attribute__((noreturn)) void run_keeper(const struct launch *launch);

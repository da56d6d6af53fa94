/* The floor: what the kernel alone costs for one default sandbox. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Prepares a private copy of the mounts and the cgroup below which each run makes its own; ends the program on failure. */
void floor_prepare(const char *cgroup2, const char *program);

/* Takes from a running default sandbox its filter of system calls and the v1 hierarchies on which it has groups. */
void floor_copy_hardening(pid_t command);

/* One sandbox from nothing to nothing, the program executed in it; hardened: with what was copied. */
void floor_run(bool hardened);

/* In a process of its own that makes runs beside others. */
void floor_begin_worker(void);

void floor_finish(void);

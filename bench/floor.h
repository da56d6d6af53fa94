/* The floor: what the kernel alone costs for one default sandbox. */
#pragma once

/* Prepares a private copy of the mounts and the cgroup below which each run makes its own; ends the program on failure. */
void floor_prepare(const char *cgroup2, const char *program);

/* One sandbox from nothing to nothing, the program executed in it. */
void floor_run(void);

/* In a process of its own that makes runs beside others. */
void floor_begin_worker(void);

void floor_finish(void);

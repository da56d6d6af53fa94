/* How a role of the launcher tells that it cannot go on: one report, then the end. */
#pragma once

#include <stdint.h>

#include "stage.h"

/* The socket that fail() writes to; each role sets it first. */
extern int fail_socket;

/* Runs before the role ends in fail(); the monitor undoes there what it made. */
extern void (*fail_cleanup)(void);

/* Where we are. With the faults built in, a test can end or fail a role here. */
void enter_stage(enum stage stage);

/* Which item of the plan this stage is at, counted in the plan's order; a new stage is at none. */
void enter_item(uint32_t item);

/* Writes a report with errno as it is on entry and the text `call(arguments)`, and ends the process. */
__attribute__((noreturn, format(printf, 2, 3))) void fail(const char *call, const char *arguments, ...);

#ifdef SEAHAVEN_FAULTS
/* Reads FAULT=STAGE:fail or FAULT=STAGE:die; once, by the spawner. */
void read_faults(void);
#endif

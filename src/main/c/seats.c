/*
 * Monitors that wait for a request: a launch need not wait for a fork. Each sits on a seat, in memory that all share. One
 * that has carried out a run sits down again if a seat is free, so that the spawner sleeps while runs follow runs.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "launcher.h"

#define SEATS 4
#define SEATS_FILLED 3 /* when fewer than two wait, the spawner fills up to this */
static pid_t *seats;   /* 0: free; -1: taken for one that is being forked */

bool make_seats(void)
{
    void *shared = mmap(NULL, SEATS * sizeof *seats, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED)
        return false;
    seats = shared;
    return true;
}

static bool change_seat(unsigned seat, pid_t from, pid_t to)
{
    return __atomic_compare_exchange_n(&seats[seat], &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static unsigned taken_seats(void)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < SEATS; i++)
        taken += __atomic_load_n(&seats[i], __ATOMIC_SEQ_CST) != 0;
    return taken;
}

static bool sit_down(pid_t from, pid_t to)
{
    for (unsigned i = 0; i < SEATS; i++)
        if (change_seat(i, from, to))
            return true;
    return false;
}

bool monitor_sits_down(void)
{
    return sit_down(-1, getpid()) || sit_down(0, getpid());
}

void monitor_stands_up(const struct host *host)
{
    (void)sit_down(getpid(), 0);
    if (taken_seats() < 2)
        (void)write_all(host->wanted, "", 1);
}

/* Takes a seat for a monitor that is about to be forked; false: enough of them wait. */
bool reserve_seat(void)
{
    return taken_seats() < SEATS_FILLED && sit_down(0, -1);
}

void return_seat(void)
{
    (void)sit_down(-1, 0);
}

void free_seat(pid_t monitor)
{
    (void)sit_down(monitor, 0);
}

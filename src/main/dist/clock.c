/* Preloaded while the AOT cache is made: a monotonic clock that stands still. All else is the kernel's. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, clock, now);
    now->tv_sec = 1000;
    now->tv_nsec = 0;
    return 0;
}

#include "fail.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

int fail_socket = -1;
void (*fail_cleanup)(void);
static enum stage current_stage;
static uint32_t current_item = WIRE_NO_ITEM;

#ifdef SEAHAVEN_FAULTS
static int fault_stage = -1;
static bool fault_dies;

void read_faults(void)
{
    const char *fault = getenv("FAULT");

    if (fault != NULL) {
        fault_stage = atoi(fault);
        fault_dies = strstr(fault, ":die") != NULL;
    }
}
#endif

void enter_stage(enum stage stage)
{
    current_stage = stage;
    current_item = WIRE_NO_ITEM;
#ifdef SEAHAVEN_FAULTS
    if ((int)stage != fault_stage)
        return;
    if (fault_dies) {
        kill(getpid(), SIGKILL);
        __builtin_trap(); /* pid 1 ignores its own SIGKILL, but not a fault */
    }
    errno = EIO;
    fail("fault", "injected");
#endif
}

void enter_item(uint32_t item)
{
    current_item = item;
}

/* Appends to a text that may be cut: it is for people, and the item tells the cause. Returns how much of it is used. */
__attribute__((format(printf, 4, 0))) static size_t append(char *text, size_t size, size_t used, const char *format,
                                                           va_list list)
{
    int more = vsnprintf(text + used, size - used, format, list);

    if (more < 0)
        return used;
    return (size_t)more < size - used ? used + (size_t)more : size - 1;
}

__attribute__((format(printf, 4, 5))) static size_t append_text(char *text, size_t size, size_t used, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    used = append(text, size, used, format, list);
    va_end(list);
    return used;
}

void fail(const char *call, const char *arguments, ...)
{
    struct report_failed report = {
        .type = REPORT_FAILED, .stage = (uint32_t)current_stage, .error = errno, .item = current_item};
    va_list list;

    size_t used = append_text(report.text, sizeof report.text, 0, "%s(", call);
    va_start(list, arguments);
    used = append(report.text, sizeof report.text, used, arguments, list);
    va_end(list);
    (void)append_text(report.text, sizeof report.text, used, ")");
    errno = report.error; /* the cleanup may ask why */
    if (fail_cleanup != NULL)
        fail_cleanup();
    (void)send(fail_socket, &report, sizeof report, MSG_NOSIGNAL);
    _exit(1);
}

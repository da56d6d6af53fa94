/*
 * Measures the list of all namespaces beside lsns(8), and the creation of a named network namespace beside ip-netns(8), on
 * a host with 1,000 processes and 1,000 namespaces more than it has.
 *
 *   namespaces SOCKET
 */
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define PROCESSES 1000
#define WITH_NAMESPACES 167 /* of six types each */
#define ROUNDS 40
#define NAME "seahaven-bench"

extern char **environ;
static pid_t processes[PROCESSES];

static void start_processes(void)
{
    for (int i = 0; i < PROCESSES; i++) {
        processes[i] = fork();
        if (processes[i] < 0)
            die("fork");
        if (processes[i] > 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (i < WITH_NAMESPACES &&
            unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUSER) < 0)
            die("unshare");
        for (;;)
            pause();
    }
    sleep(2);
}

static void end_processes(void)
{
    for (int i = 0; i < PROCESSES; i++)
        kill(processes[i], SIGKILL);
    while (wait(NULL) > 0)
        continue;
}

static void run(char *const *command)
{
    posix_spawn_file_actions_t quiet;
    pid_t pid;
    int status;

    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", 1, 0);
    if (posix_spawnp(&pid, command[0], &quiet, NULL, command, environ) != 0)
        die(command[0]);
    posix_spawn_file_actions_destroy(&quiet);
    if (waitpid(pid, &status, 0) < 0 || status != 0)
        die(command[0]);
}

static void lsns(void)
{
    run((char *[]){"lsns", NULL});
}

static void list(void)
{
    if (request("GET", "/namespaces?limit=1000", "") != 200)
        die("GET /namespaces");
}

static void ip_netns_add(void)
{
    run((char *[]){"ip", "netns", "add", NAME, NULL});
}

static void create(void)
{
    if (request("POST", "/namespaces", "{\"name\":\"" NAME "\",\"type\":\"net\"}") != 201)
        die("POST /namespaces");
}

static void ip_netns_delete(void)
{
    run((char *[]){"ip", "netns", "delete", NAME, NULL});
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL); /* the kernel takes it down later, and makes others wait */
}

static void nothing(void)
{
}

static int compare(const void *one, const void *two)
{
    double a = *(const double *)one, b = *(const double *)two;

    return a < b ? -1 : a > b;
}

static void compare_both(const char *name, void (*theirs)(void), void (*ours)(void), void (*undo)(void), int warm_up)
{
    double millis[2][ROUNDS];

    for (int i = 0; i < warm_up; i++) {
        ours();
        undo();
    }
    for (int i = 0; i < ROUNDS; i++)
        for (int which = 0; which < 2; which++) {
            double begin = now();
            (which == 0 ? theirs : ours)();
            millis[which][i] = now() - begin;
            undo();
        }
    for (int which = 0; which < 2; which++)
        qsort(millis[which], ROUNDS, sizeof(double), compare);
    printf("| %s | %.1f | %.1f | %.2f |\n", name, millis[0][ROUNDS / 2], millis[1][ROUNDS / 2],
           millis[1][ROUNDS / 2] / millis[0][ROUNDS / 2]);
}

int main(int count, char **arguments)
{
    if (count < 2) {
        fprintf(stderr, "usage: namespaces SOCKET\n");
        return 2;
    }
    connect_daemon(arguments[1]);
    start_processes();
    printf("| medians | theirs ms | ours ms | ratio |\n|---|---|---|---|\n");
    compare_both("GET /namespaces, lsns", lsns, list, nothing, 100);
    end_processes();
    sleep(2);
    compare_both("POST /namespaces, ip netns add", ip_netns_add, create, ip_netns_delete, 800);
    return 0;
}

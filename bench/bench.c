/*
 * Measures a running daemon against the floor, in the same run and interleaved, for the machine's speed drifts.
 *
 *   bench SOCKET CGROUP2 PROGRAM [SECONDS]
 *
 * The client speaks HTTP on one kept-open connection for each worker, with as little of its own as can be.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "floor.h"

#define SAMPLES_MAX 200000
#define WORKERS 8
#define ROUNDS 10

struct series {
    const char *name;
    unsigned count;
    double millis[SAMPLES_MAX];
};

static const char *socket_path, *program;

static void do_floor(void)
{
    floor_run(true);
}

static void do_unhardened_floor(void)
{
    floor_run(false);
}

static void run_with(const char *more)
{
    char body[512];

    snprintf(body, sizeof body, "{\"command\":[\"%s\"]%s}", program, more);
    if (request("POST", "/runs", body) != 200 || strstr(answer, "\"exitCode\":0") == NULL)
        die("POST /runs");
}

static void do_run(void)
{
    run_with("");
}

/* What a filter and Landlock cost is the difference to this. */
static void do_run_unfiltered(void)
{
    run_with(",\"security\":{\"seccomp\":\"unconfined\"}");
}

static void do_run_with_landlock(void)
{
    run_with(",\"security\":{\"landlock\":{\"read\":[\"/usr\"]}}");
}

static void do_sandbox(void)
{
    char body[512], path[64];

    snprintf(body, sizeof body, "{\"command\":[\"%s\"]}", program);
    if (request("POST", "/sandboxes", body) != 201)
        die("POST /sandboxes");
    char *id = strstr(answer, "\"id\":\"");
    snprintf(path, sizeof path, "/sandboxes/%.12s?force=true", id + 6);
    if (request("DELETE", path, "") != 204)
        die("DELETE");
}

/* The floor is hardened as a sandbox of this daemon is. */
static void copy_hardening(void)
{
    char id[13], path[64];

    if (request("POST", "/sandboxes", "{\"command\":[\"/bin/sleep\",\"60\"],\"init\":false}") != 201)
        die("POST /sandboxes");
    snprintf(id, sizeof id, "%.12s", strstr(answer, "\"id\":\"") + 6);
    char *pid = strstr(answer, "\"pid\":");
    while (pid != NULL && (pid[6] < '0' || pid[6] > '9')) /* the type of a namespace is named so too */
        pid = strstr(pid + 6, "\"pid\":");
    if (pid == NULL)
        die("state.pid");
    floor_copy_hardening(atoi(pid + 6));
    snprintf(path, sizeof path, "/sandboxes/%s?force=true", id);
    if (request("DELETE", path, "") != 204)
        die("DELETE");
}

static void measure(struct series *series, void (*work)(void), double seconds)
{
    double end = now() + seconds * 1e3;

    while (now() < end && series->count < SAMPLES_MAX) {
        double begin = now();
        work();
        series->millis[series->count++] = now() - begin;
    }
}

static int compare(const void *one, const void *two)
{
    double a = *(const double *)one, b = *(const double *)two;

    return a < b ? -1 : a > b;
}

static double quantile(struct series *series, double part)
{
    return series->millis[(unsigned)((double)(series->count - 1) * part)];
}

/* How many a second with WORKERS processes. */
static double rate(void (*work)(void), double seconds)
{
    unsigned *counts = mmap(NULL, sizeof *counts * WORKERS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned total = 0;
    double begin = now(), end = begin + seconds * 1e3;

    for (int i = 0; i < WORKERS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            if (work == do_floor || work == do_unhardened_floor)
                floor_begin_worker();
            else
                connect_daemon(socket_path);
            while (now() < end) {
                work();
                counts[i]++;
            }
            _exit(0);
        }
        if (pid < 0)
            die("fork");
    }
    int status;
    while (wait(&status) > 0)
        if (status != 0)
            die("worker");
    for (int i = 0; i < WORKERS; i++)
        total += counts[i];
    double taken = now() - begin;
    munmap(counts, sizeof *counts * WORKERS);
    return total / taken * 1e3;
}

/* What one work leaves to the kernel's own threads, dead network namespaces above all, is not to be paid by the next. */
static void settle(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
}

#define WORKS 6
static struct series series[WORKS] = {{.name = "floor"},
                                      {.name = "floor without filter and v1 groups"},
                                      {.name = "POST /runs"},
                                      {.name = "the same without a filter"},
                                      {.name = "the same with Landlock"},
                                      {.name = "POST /sandboxes + DELETE"}};
static void (*const works[WORKS])(void) = {do_floor,          do_unhardened_floor,  do_run,
                                           do_run_unfiltered, do_run_with_landlock, do_sandbox};

/*
 * What a layer adds: the same work with and without it, in turn and in changing order, each pair so close together that the
 * machine is as fast for both; the median of the differences.
 */
static void compare_pairs(const char *name, void (*with)(void), void (*without)(void), double seconds)
{
    static double differences[SAMPLES_MAX];
    unsigned pairs = 0;
    double end = now() + seconds * 1e3;

    settle();
    while (now() < end && pairs < SAMPLES_MAX) {
        bool first = pairs % 2 == 0;
        double begin = now();
        (first ? with : without)();
        double middle = now();
        (first ? without : with)();
        double one = middle - begin, other = now() - middle;
        differences[pairs++] = first ? one - other : other - one;
    }
    qsort(differences, pairs, sizeof *differences, compare);
    printf("| %s | %.2f | %u |\n", name, pairs == 0 ? 0 : differences[pairs / 2], pairs);
}

static void do_graph(void)
{
    if (request("GET", "/namespaces/graph", "") != 200)
        die("GET /namespaces/graph");
}

/* What who looks at the whole host costs those who create: runs alone and beside WORKERS who ask for the graph, in turn. */
static void measure_beside_lookers(double seconds)
{
    static struct series alone, beside;
    pid_t lookers[WORKERS];

    for (int round = 0; round < ROUNDS; round++) {
        settle();
        measure(&alone, do_run, seconds / 2 / ROUNDS);
        for (int i = 0; i < WORKERS; i++) {
            lookers[i] = fork();
            if (lookers[i] == 0) {
                connect_daemon(socket_path);
                for (;;)
                    do_graph();
            }
            if (lookers[i] < 0)
                die("fork");
        }
        settle();
        measure(&beside, do_run, seconds / 2 / ROUNDS);
        for (int i = 0; i < WORKERS; i++) {
            kill(lookers[i], SIGKILL);
            waitpid(lookers[i], NULL, 0);
        }
    }
    qsort(alone.millis, alone.count, sizeof(double), compare);
    qsort(beside.millis, beside.count, sizeof(double), compare);
    double ratio = quantile(&beside, 0.5) / quantile(&alone, 0.5);
    printf("\n| POST /runs | median ms | p99 ms | ratio |\n|---|---|---|---|\n");
    printf("| alone | %.2f | %.2f | 1 |\n", quantile(&alone, 0.5), quantile(&alone, 0.99));
    printf("| beside %d who ask for the graph | %.2f | %.2f | %.2f |\n", WORKERS, quantile(&beside, 0.5),
           quantile(&beside, 0.99), ratio);
}

int main(int count, char **arguments)
{
    double seconds = count > 4 ? atof(arguments[4]) : 60, rates[WORKS] = {0};

    if (count < 4) {
        fprintf(stderr, "usage: bench SOCKET CGROUP2 PROGRAM [SECONDS]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    socket_path = arguments[1];
    program = arguments[3];
    connect_daemon(socket_path);
    copy_hardening();
    floor_prepare(arguments[2], program);
    (void)rate(do_run, seconds / 2); /* the JVM compiles what it sees some ten thousand times */
    (void)rate(do_sandbox, seconds / 2);
    connect_daemon(socket_path);
    for (int round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < WORKS; i++) {
            settle();
            measure(&series[i], works[i], seconds / 2 / ROUNDS / WORKS);
        }
    for (int round = 0; round < ROUNDS / 2; round++)
        for (unsigned i = 0; i < WORKS; i++) {
            settle();
            rates[i] += rate(works[i], seconds / 2 / (ROUNDS / 2) / WORKS) / (ROUNDS / 2);
        }
    for (unsigned i = 0; i < WORKS; i++)
        qsort(series[i].millis, series[i].count, sizeof(double), compare);

    printf("| | min ms | median ms | p99 ms | median / floor | a second, %d clients | rate / floor "
           "|\n|---|---|---|---|---|---|---|\n",
           WORKERS);
    for (unsigned i = 0; i < WORKS; i++)
        printf("| %s | %.2f | %.2f | %.2f | %.2f | %.0f | %.2f |\n", series[i].name, quantile(&series[i], 0),
               quantile(&series[i], 0.5), quantile(&series[i], 0.99), quantile(&series[i], 0.5) / quantile(&series[0], 0.5),
               rates[i], rates[i] / rates[0]);
    printf("\n| what is added | ms, the median of the differences | pairs |\n|---|---|---|\n");
    compare_pairs("a filter, to POST /runs", do_run, do_run_unfiltered, seconds / 6);
    compare_pairs("Landlock, to POST /runs", do_run_with_landlock, do_run, seconds / 6);
    compare_pairs("both, to POST /runs", do_run_with_landlock, do_run_unfiltered, seconds / 6);
    compare_pairs("a filter and v1 groups, to the floor", do_floor, do_unhardened_floor, seconds / 6);
    floor_finish();
    measure_beside_lookers(seconds / 3);
    return 0;
}

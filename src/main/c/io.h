/* Descriptors, messages, small files and clocks: what every role of the launcher needs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Writes a text that has to be whole; fails with ENAMETOOLONG when it does not fit. */
__attribute__((format(printf, 3, 4))) void format(char *to, size_t size, const char *pattern, ...);

/* sendmsg(2) and recvmsg(2) with descriptors; a message or a list of descriptors that was cut is EMSGSIZE. */
ssize_t send_with_fds(int socket, const void *bytes, size_t size, const int *fds, unsigned count);
ssize_t receive_with_fds(int socket, void *bytes, size_t size, int *fds, unsigned most, unsigned *count);

/* One descriptor; -1: the peer is gone, -2: a message without one. */
int receive_fd(int socket);

bool send_pid(int socket, pid_t pid, int pidfd);
bool receive_pid(int socket, pid_t *pid, int *pidfd);

int open_here(int dir, const char *path, int flags);
int open_proc(const char *path);
bool write_all(int fd, const void *bytes, size_t size);
uint64_t clock_nanos(int clock);

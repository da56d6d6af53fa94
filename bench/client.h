/* A client of the daemon on one kept-open connection, with as little of its own as can be. */
#pragma once

extern char answer[1 << 20]; /* the last answer: header and body */

void connect_daemon(const char *socket_path);
int request(const char *method, const char *path, const char *body); /* returns the status */
double now(void);                                                    /* milliseconds */
__attribute__((noreturn)) void die(const char *what);

/**
 * Control groups: what a group is for the rest of the daemon, and what the two versions of cgroups
 * have to do for it. {@code cgroup.v1} and {@code cgroup.v2} do it, {@code cgroup.host} finds which
 * of them a host has for each controller; nobody else asks for the version. May use {@code syscall}
 * and {@code procfs}.
 */
@NullMarked
package dev.seahaven.cgroup;

import org.jspecify.annotations.NullMarked;

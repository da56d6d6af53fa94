/**
 * The hierarchies that a host has, and the groups of the daemon on them. May use {@code cgroup},
 * its versions, and what that may use.
 */
@NullMarked
package dev.seahaven.cgroup.host;

import org.jspecify.annotations.NullMarked;

/**
 * The files of cgroup v1 (cgroups(7), Documentation/admin-guide/cgroup-v1). May use {@code cgroup}
 * and what that may use.
 */
@NullMarked
package dev.seahaven.cgroup.v1;

import org.jspecify.annotations.NullMarked;

/**
 * The files of cgroup2 (cgroups(7), Documentation/admin-guide/cgroup-v2.rst). May use {@code
 * cgroup} and what that may use.
 */
@NullMarked
package dev.seahaven.cgroup.v2;

import org.jspecify.annotations.NullMarked;

/**
 * One {@link Cgroup} with the hierarchies v2 and v1 behind it. May use {@code syscall} and {@code
 * procfs}.
 */
@NullMarked
package dev.seahaven.cgroup;

import org.jspecify.annotations.NullMarked;

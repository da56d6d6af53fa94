/**
 * One method for each system call, under the kernel's name. The only place that knows JNA; uses
 * nothing else of ours.
 */
@NullMarked
package dev.seahaven.syscall;

import org.jspecify.annotations.NullMarked;

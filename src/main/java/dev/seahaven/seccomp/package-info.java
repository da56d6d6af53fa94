/** Seccomp profiles and their BPF. May use {@code syscall}. */
@NullMarked
package dev.seahaven.seccomp;

import org.jspecify.annotations.NullMarked;

/** Who may call: token, host and origin. May use {@code web} and {@code syscall}. */
@NullMarked
package dev.seahaven.access;

import org.jspecify.annotations.NullMarked;

/** What this kernel and host can do. May use the ground packages and {@code web}. */
@NullMarked
package dev.seahaven.system;

import org.jspecify.annotations.NullMarked;

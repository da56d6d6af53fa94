/** What this kernel and host can do. May use the ground packages. */
@NullMarked
package dev.seahaven.system;

import org.jspecify.annotations.NullMarked;

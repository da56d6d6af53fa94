/** Configuration, listeners, start, recovery and stop. Uses everything; nothing uses it. */
@NullMarked
package dev.seahaven.daemon;

import org.jspecify.annotations.NullMarked;

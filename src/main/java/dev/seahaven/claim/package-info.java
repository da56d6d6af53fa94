/** What was taken, and is given back in reverse order. Uses nothing else of ours. */
@NullMarked
package dev.seahaven.claim;

import org.jspecify.annotations.NullMarked;

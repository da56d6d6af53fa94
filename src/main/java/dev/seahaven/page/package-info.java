/** The page and what it needs. May use {@code web}. */
@NullMarked
package dev.seahaven.page;

import org.jspecify.annotations.NullMarked;

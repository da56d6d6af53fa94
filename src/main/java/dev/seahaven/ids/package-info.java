/**
 * Ranges of ids, mappings of user namespaces, and the accounts of a root. May use {@code procfs}.
 */
@NullMarked
package dev.seahaven.ids;

import org.jspecify.annotations.NullMarked;

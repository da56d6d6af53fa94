/**
 * The names that namespaces were given, kept on disk and watched on the host. May use {@code
 * namespace}.
 */
@NullMarked
package dev.seahaven.namespace.names;

import org.jspecify.annotations.NullMarked;

/**
 * Finding namespaces by number and by name. May use the ground packages, {@code web} and {@code
 * event}.
 */
@NullMarked
package dev.seahaven.namespace;

import org.jspecify.annotations.NullMarked;

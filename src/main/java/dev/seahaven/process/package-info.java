/**
 * The processes of the host, seen through their namespaces. May use the ground packages and {@code
 * namespace}.
 */
@NullMarked
package dev.seahaven.process;

import org.jspecify.annotations.NullMarked;

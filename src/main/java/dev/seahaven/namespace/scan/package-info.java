/**
 * Finds every namespace of the host and what holds each alive. May use {@code namespace} and {@code
 * namespace.names}.
 */
@NullMarked
package dev.seahaven.namespace.scan;

import org.jspecify.annotations.NullMarked;

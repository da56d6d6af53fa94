/**
 * Every namespace of the host: finding, naming, describing and comparing them, and telling who
 * holds each alive. May use the ground packages, {@code web} and {@code event}.
 */
@NullMarked
package dev.seahaven.namespace;

import org.jspecify.annotations.NullMarked;

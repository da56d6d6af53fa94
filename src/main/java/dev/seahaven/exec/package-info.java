/**
 * Programs of the host that are run inside of namespaces. May use the ground packages, {@code web},
 * {@code namespace} and {@code sandbox}.
 */
@NullMarked
package dev.seahaven.exec;

import org.jspecify.annotations.NullMarked;

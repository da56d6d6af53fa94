/**
 * Makes, names, adopts, enters and removes namespaces. May use the packages of {@code namespace}
 * but {@code http}.
 */
@NullMarked
package dev.seahaven.namespace.life;

import org.jspecify.annotations.NullMarked;

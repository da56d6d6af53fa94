/**
 * How the world looks from inside a namespace, and how the inside differs from the outside. May use
 * what {@code namespace.scan} may use, and that.
 */
@NullMarked
package dev.seahaven.namespace.view;

import org.jspecify.annotations.NullMarked;

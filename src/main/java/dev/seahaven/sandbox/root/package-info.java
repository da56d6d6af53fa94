/**
 * The file system tree that a sandbox gets as its root, and what has to be mounted in it. May use
 * {@code sandbox.spec}.
 */
@NullMarked
package dev.seahaven.sandbox.root;

import org.jspecify.annotations.NullMarked;

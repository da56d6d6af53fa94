/**
 * Documents on disk: each has a version, is written whole or not at all, and is moved forward from
 * older versions when it is read. May use {@code syscall}.
 */
@NullMarked
package dev.seahaven.store;

import org.jspecify.annotations.NullMarked;

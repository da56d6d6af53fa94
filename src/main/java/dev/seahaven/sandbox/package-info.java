/**
 * The sandbox: its specification, its life, its state on disk. May use {@code namespace}, the
 * ground packages, {@code web} and {@code event}.
 */
@NullMarked
package dev.seahaven.sandbox;

import org.jspecify.annotations.NullMarked;

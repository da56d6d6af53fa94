/**
 * Plans to bytes, reports from bytes, and the spawner that carries them between. May use the other
 * ground packages.
 */
@NullMarked
package dev.seahaven.launcher;

import org.jspecify.annotations.NullMarked;

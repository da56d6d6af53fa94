/**
 * Pure parsers and thin readers of {@code /proc} and {@code /sys}. The root is a value, so that
 * tests read captured trees; uses nothing else of ours.
 */
@NullMarked
package dev.seahaven.procfs;

import org.jspecify.annotations.NullMarked;

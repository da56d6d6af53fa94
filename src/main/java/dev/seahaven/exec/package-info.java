/**
 * Programs: runs, programs of the host in namespaces, and the logs of sandboxes. May use {@code
 * sandbox}, {@code namespace} and the ground packages.
 */
@NullMarked
package dev.seahaven.exec;

import org.jspecify.annotations.NullMarked;

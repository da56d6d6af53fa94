/**
 * The life of a sandbox: its states, the commands that change it, the queries that look at it, its
 * record on disk, and recovery after a restart of the daemon. May use the other packages of {@code
 * sandbox} but {@code http}.
 */
@NullMarked
package dev.seahaven.sandbox.life;

import org.jspecify.annotations.NullMarked;

/**
 * What was asked of a sandbox, and what it resolves to: every default filled in, every value
 * checked against what this host can do. May use {@code namespace} and the ground packages.
 */
@NullMarked
package dev.seahaven.sandbox.spec;

import org.jspecify.annotations.NullMarked;

/**
 * From a specification and what was claimed for it to the launcher's plan, and from a failed stage
 * to what it means for the request. May use {@code sandbox.spec} and {@code sandbox.root}.
 */
@NullMarked
package dev.seahaven.sandbox.launch;

import org.jspecify.annotations.NullMarked;

/**
 * Ends who takes more of the host than any limit counts: the common disk, memory of the kernel,
 * open files. Guards look at what all share and, when that is running out, at who takes it. May use
 * what is before it in {@code sandbox}.
 */
@NullMarked
package dev.seahaven.sandbox.guard;

import org.jspecify.annotations.NullMarked;

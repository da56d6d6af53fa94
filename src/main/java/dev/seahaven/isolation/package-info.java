/**
 * Audits what lies between a process and the kernel; changes nothing. May use {@code namespace} and
 * {@code sandbox}.
 */
@NullMarked
package dev.seahaven.isolation;

import org.jspecify.annotations.NullMarked;

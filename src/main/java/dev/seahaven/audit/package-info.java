/**
 * Audits what lies between a process and the kernel: one probe for each layer, and checks over what
 * the probes saw. It changes nothing. May use {@code namespace} and {@code sandbox}.
 */
@NullMarked
package dev.seahaven.audit;

import org.jspecify.annotations.NullMarked;

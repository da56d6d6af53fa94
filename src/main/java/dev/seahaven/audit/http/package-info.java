/** Audits over HTTP. */
@NullMarked
package dev.seahaven.audit.http;

import org.jspecify.annotations.NullMarked;

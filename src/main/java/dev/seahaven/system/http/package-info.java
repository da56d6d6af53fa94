/** The host's features over HTTP. */
@NullMarked
package dev.seahaven.system.http;

import org.jspecify.annotations.NullMarked;

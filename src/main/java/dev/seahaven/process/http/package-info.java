/** Processes over HTTP. */
@NullMarked
package dev.seahaven.process.http;

import org.jspecify.annotations.NullMarked;

/** Sandboxes over HTTP: requests, responses, merge patches. */
@NullMarked
package dev.seahaven.sandbox.http;

import org.jspecify.annotations.NullMarked;

/** Runs, programs in namespaces, and logs over HTTP. */
@NullMarked
package dev.seahaven.exec.http;

import org.jspecify.annotations.NullMarked;

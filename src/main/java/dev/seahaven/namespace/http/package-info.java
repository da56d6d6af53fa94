/** Namespaces over HTTP: requests, responses and the graph. */
@NullMarked
package dev.seahaven.namespace.http;

import org.jspecify.annotations.NullMarked;

/**
 * What a namespace is: its type, its number, and what a request may say of its id mappings. The
 * sub-packages find, name, describe and make namespaces, and explain what holds each alive. May use
 * the ground packages.
 */
@NullMarked
package dev.seahaven.namespace;

import org.jspecify.annotations.NullMarked;

/**
 * HTTP without features: the one table of errors, pages, entity tags, limits. Knows the exceptions
 * of the ground packages and no feature.
 */
@NullMarked
package dev.seahaven.web;

import org.jspecify.annotations.NullMarked;

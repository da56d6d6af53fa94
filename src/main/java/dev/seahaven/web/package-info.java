/**
 * HTTP without features: problems and their status, pages, entity tags, repeated requests, limits.
 * Knows {@code problem} and no feature.
 */
@NullMarked
package dev.seahaven.web;

import org.jspecify.annotations.NullMarked;

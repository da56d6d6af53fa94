/** What went wrong, in words of the domain; knows no HTTP. Uses nothing else of ours. */
@NullMarked
package dev.seahaven.problem;

import org.jspecify.annotations.NullMarked;

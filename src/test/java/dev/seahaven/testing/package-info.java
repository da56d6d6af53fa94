/** What tests share: a daemon to talk to, a look from outside, and the count of what is left. */
@NullMarked
package dev.seahaven.testing;

import org.jspecify.annotations.NullMarked;

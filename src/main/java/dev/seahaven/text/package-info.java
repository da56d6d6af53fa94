/** Text of the kernel, which is bytes. */
@NullMarked
package dev.seahaven.text;

import org.jspecify.annotations.NullMarked;

/**
 * Plans of a root file system: what is masked, prepared and attached, and checks of paths. Pure;
 * uses nothing else of ours.
 */
@NullMarked
package dev.seahaven.mount;

import org.jspecify.annotations.NullMarked;

/**
 * Netlink: a pure codec of messages and attributes, and one class that talks to the socket. May use
 * {@code syscall}.
 */
@NullMarked
package dev.seahaven.netlink;

import org.jspecify.annotations.NullMarked;

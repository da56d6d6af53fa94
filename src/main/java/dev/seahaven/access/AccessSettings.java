package dev.seahaven.access;

import java.util.Set;

/**
 * What the configuration says of callers.
 *
 * @param allowedHosts host names and addresses by which TCP requests may call the daemon
 * @param allowedOrigins origins of foreign pages that may call it
 */
public record AccessSettings(Set<String> allowedHosts, Set<String> allowedOrigins) {}

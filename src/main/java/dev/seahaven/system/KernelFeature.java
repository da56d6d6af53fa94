package dev.seahaven.system;

import io.swagger.v3.oas.annotations.media.Schema;

/**
 * Something of the kernel or the host that the daemon uses.
 *
 * @param essential whether the daemon refuses to start without it
 * @param without what is lost without it
 */
@Schema(name = "KernelFeature")
public record KernelFeature(String name, boolean present, boolean essential, String without) {}

package dev.seahaven.isolation;

import dev.seahaven.sandbox.HardenedSandboxes.Hardened;
import dev.seahaven.syscall.Capability;

import org.jspecify.annotations.Nullable;

import java.util.Set;

/**
 * What was seen of a process.
 *
 * @param reachable capabilities that it has or that it or its children can get
 * @param rootIsHosts whether an id inside is uid 0 of the host
 * @param clocksAreHosts whether a clock inside tells how long the host has been up
 * @param sandbox null for a process that is none of ours
 */
record Facts(
        AuditResponse.Layers layers,
        Set<Capability> reachable,
        Set<Capability> ambient,
        boolean rootIsHosts,
        boolean clocksAreHosts,
        boolean kernelHasLsm,
        @Nullable Hardened sandbox) {

    boolean isolated(String type) {
        AuditResponse.Namespace namespace = layers.namespaces().get(type);
        return namespace != null && namespace.isolated();
    }
}

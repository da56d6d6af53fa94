package dev.seahaven.isolation;

import dev.seahaven.sandbox.SandboxService.Hardened;
import dev.seahaven.syscall.Capability;

import org.jspecify.annotations.Nullable;

import java.util.Set;

/**
 * What was seen of a process.
 *
 * @param effective capabilities that it has now
 * @param bounding capabilities that it or its children can get
 * @param rootIsHosts whether uid 0 inside is uid 0 of the host
 * @param uid effective, as the host has it
 * @param sandbox null for a process that is none of ours
 */
record Facts(
        AuditResponse.Layers layers,
        Set<Capability> effective,
        Set<Capability> bounding,
        Set<Capability> ambient,
        boolean rootIsHosts,
        long uid,
        boolean kernelHasLsm,
        @Nullable Hardened sandbox) {

    boolean isolated(String type) {
        AuditResponse.Namespace namespace = layers.namespaces().get(type);
        return namespace != null && namespace.isolated();
    }
}

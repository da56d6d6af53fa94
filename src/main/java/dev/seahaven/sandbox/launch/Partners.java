package dev.seahaven.sandbox.launch;

import dev.seahaven.ids.Mappings;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.syscall.PidFd;

import org.jspecify.annotations.Nullable;

import java.util.Optional;

/** Finds the sandboxes whose namespaces others share. */
@FunctionalInterface
public interface Partners {

    /**
     * A sandbox whose namespaces are to be shared.
     *
     * @param init of its life; null while it does not run
     * @param mappings of its user namespace, while it runs
     */
    record Partner(SandboxId id, @Nullable PidFd init, @Nullable Mappings mappings) {}

    /** By id or name. */
    Optional<Partner> find(String reference);
}

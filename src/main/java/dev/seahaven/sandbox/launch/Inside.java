package dev.seahaven.sandbox.launch;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.ids.Mappings;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.PidFd;

import org.jspecify.annotations.Nullable;

/**
 * A sandbox that runs, as a program needs it that is to be in all of it.
 *
 * @param init of its life
 * @param mappings of its user namespace
 * @param mounts the mount namespace to be in, open for as long as this is used; null for init's
 */
public record Inside(
        SandboxSpec spec, PidFd init, Mappings mappings, Cgroup cgroup, @Nullable Fd mounts) {

    /** The same with another mount namespace, that was made inside. */
    public Inside in(Fd other) {
        return new Inside(spec, init, mappings, cgroup, other);
    }
}

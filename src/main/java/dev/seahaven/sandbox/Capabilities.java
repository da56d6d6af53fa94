package dev.seahaven.sandbox;

import dev.seahaven.syscall.Capability;

import java.util.EnumSet;
import java.util.Set;

/** What a command may do as root. */
final class Capabilities {

    /** Podman's eleven, which are Docker's without MKNOD, NET_RAW and AUDIT_WRITE. */
    static final Set<Capability> DEFAULT =
            EnumSet.of(
                    Capability.CHOWN,
                    Capability.DAC_OVERRIDE,
                    Capability.FOWNER,
                    Capability.FSETID,
                    Capability.KILL,
                    Capability.SETGID,
                    Capability.SETUID,
                    Capability.SETPCAP,
                    Capability.NET_BIND_SERVICE,
                    Capability.SYS_CHROOT,
                    Capability.SETFCAP);

    private Capabilities() {}

    static long mask(Set<Capability> capabilities) {
        return capabilities.stream().mapToLong(Capability::mask).sum();
    }
}

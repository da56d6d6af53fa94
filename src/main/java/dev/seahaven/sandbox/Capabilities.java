package dev.seahaven.sandbox;

import java.util.Set;

/** Capabilities by number (capabilities(7), linux/capability.h). */
enum Capabilities {
    CHOWN(0),
    DAC_OVERRIDE(1),
    FOWNER(3),
    FSETID(4),
    KILL(5),
    SETGID(6),
    SETUID(7),
    SETPCAP(8),
    NET_BIND_SERVICE(10),
    SYS_CHROOT(18),
    SETFCAP(31);

    /**
     * What a command has as root unless told otherwise: Podman's eleven, which are Docker's without
     * MKNOD, NET_RAW and AUDIT_WRITE.
     */
    static final Set<Capabilities> DEFAULT = Set.of(values());

    private final int number;

    Capabilities(int number) {
        this.number = number;
    }

    static long mask(Set<Capabilities> capabilities) {
        return capabilities.stream().mapToLong(capability -> 1L << capability.number).sum();
    }
}

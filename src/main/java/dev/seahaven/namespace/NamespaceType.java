package dev.seahaven.namespace;

import dev.seahaven.syscall.CloneFlag;

import java.util.Locale;
import java.util.Optional;

/**
 * The eight types, with the kernel's names as in {@code /proc/PID/ns} (namespaces(7)) and those of
 * a sandbox's body (OCI's).
 */
public enum NamespaceType {
    CGROUP(CloneFlag.CLONE_NEWCGROUP, "cgroup"),
    IPC(CloneFlag.CLONE_NEWIPC, "ipc"),
    MNT(CloneFlag.CLONE_NEWNS, "mount"),
    NET(CloneFlag.CLONE_NEWNET, "network"),
    PID(CloneFlag.CLONE_NEWPID, "pid"),
    TIME(CloneFlag.CLONE_NEWTIME, "time"),
    USER(CloneFlag.CLONE_NEWUSER, "user"),
    UTS(CloneFlag.CLONE_NEWUTS, "uts");

    private final CloneFlag flag;
    private final String ociName;
    private final String kernelName;

    NamespaceType(CloneFlag flag, String ociName) {
        this.flag = flag;
        this.ociName = ociName;
        this.kernelName = name().toLowerCase(Locale.ROOT);
    }

    public CloneFlag flag() {
        return flag;
    }

    /** As in {@code /proc/PID/ns}. */
    public String kernelName() {
        return kernelName;
    }

    /** As in the body of a sandbox. */
    public String ociName() {
        return ociName;
    }

    /** The type that ioctl NS_GET_NSTYPE tells. */
    public static Optional<NamespaceType> ofFlag(int value) {
        for (NamespaceType type : values()) {
            if (type.flag.value() == value) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /** Whether its namespaces form a tree of their own. */
    public boolean hasParent() {
        return this == PID || this == USER;
    }

    public static Optional<NamespaceType> ofKernelName(String name) {
        for (NamespaceType type : values()) {
            if (type.kernelName.equals(name)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}

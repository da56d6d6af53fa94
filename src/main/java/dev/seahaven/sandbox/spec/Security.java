package dev.seahaven.sandbox.spec;

import dev.seahaven.seccomp.SeccompProfile;
import dev.seahaven.syscall.Capability;

import org.jspecify.annotations.Nullable;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What stands between a sandbox and the kernel, checked and with every default filled in.
 *
 * @param profile null beside another mode than PROFILE
 * @param apparmor profile to be in, null where none was asked for; likewise {@code selinux}
 * @param maskedPaths beside the usual ones, likewise {@code readOnlyPaths}
 * @param sysctls by path below {@code /proc/sys}
 */
public record Security(
        boolean privileged,
        CapabilityChanges capabilities,
        boolean noNewPrivileges,
        SeccompMode seccomp,
        @Nullable SeccompProfile profile,
        @Nullable String apparmor,
        @Nullable String selinux,
        List<String> maskedPaths,
        List<String> readOnlyPaths,
        Map<String, String> sysctls,
        List<Device> devices,
        @Nullable Landlock landlock) {

    public enum SeccompMode {
        DEFAULT,

        /** The default one, but for filters that programs inside may make. */
        NESTED_FILTERS,
        UNCONFINED,
        PROFILE;

        /** Its name in answers, such as {@code nested-filters}. */
        public String text() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** Podman's eleven, which are Docker's without MKNOD, NET_RAW and AUDIT_WRITE. */
    private static final Set<Capability> DEFAULT_CAPABILITIES =
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

    /** Changes to the default set; what is in both lists is added. */
    public record CapabilityChanges(
            Set<Capability> add, Set<Capability> drop, Set<Capability> ambient) {

        /** What follows from the default set, or from all. */
        Set<Capability> applied(boolean privileged) {
            Set<Capability> set =
                    privileged
                            ? EnumSet.allOf(Capability.class)
                            : EnumSet.copyOf(DEFAULT_CAPABILITIES);
            set.removeAll(drop);
            set.addAll(add);
            return set;
        }
    }

    /**
     * @param permissions of {@code rwm}
     */
    public record Device(String path, String permissions) {}

    /** Null members are not restricted. */
    public record Landlock(
            @Nullable List<String> read,
            @Nullable List<String> write,
            @Nullable List<Integer> connectPorts,
            @Nullable List<Integer> bindPorts) {

        boolean restricts() {
            return handlesFiles() || connectPorts != null || bindPorts != null;
        }

        public boolean handlesFiles() {
            return read != null || write != null;
        }

        /** Whether there is a file that it keeps from somebody. */
        boolean restrictsFiles() {
            return handlesFiles() && (write == null || !write.contains("/"));
        }
    }

    /** Whether Landlock was asked for anything. */
    public boolean restrictsWithLandlock() {
        return landlock != null && landlock.restricts();
    }

    /** Whether its Landlock rules are about files. */
    public boolean restrictsFilesWithLandlock() {
        return landlock != null && landlock.restrictsFiles();
    }

    /** The bounding set. */
    public Set<Capability> capabilitySet() {
        return capabilities.applied(privileged);
    }
}

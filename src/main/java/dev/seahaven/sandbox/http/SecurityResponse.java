package dev.seahaven.sandbox.http;

import dev.seahaven.sandbox.spec.Security;
import dev.seahaven.syscall.Capability;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * What stands between a sandbox and the kernel, as it is answered.
 *
 * @param seccomp {@code default}, {@code nested-filters}, {@code unconfined} or the profile
 */
@Schema(name = "SecurityOfSandbox")
record SecurityResponse(
        boolean privileged,
        Capabilities capabilities,
        boolean noNewPrivileges,
        Object seccomp,
        @Nullable String apparmor,
        @Nullable String selinux,
        List<String> maskedPaths,
        List<String> readOnlyPaths,
        Map<String, String> sysctls,
        List<Device> devices,
        @Nullable Landlock landlock) {

    @Schema(name = "CapabilitiesOfSandbox")
    record Capabilities(
            List<String> add,
            List<String> drop,
            List<String> ambient,
            @Schema(description = "The bounding set that follows.") List<String> effective) {}

    @Schema(name = "DeviceOfSandbox")
    record Device(String path, String permissions) {}

    @Schema(name = "LandlockOfSandbox")
    record Landlock(
            @Nullable List<String> read,
            @Nullable List<String> write,
            @Nullable List<Integer> connectPorts,
            @Nullable List<Integer> bindPorts) {

        private static @Nullable Landlock of(Security.@Nullable Landlock landlock) {
            return landlock == null
                    ? null
                    : new Landlock(
                            landlock.read(),
                            landlock.write(),
                            landlock.connectPorts(),
                            landlock.bindPorts());
        }
    }

    static SecurityResponse of(Security security) {
        return new SecurityResponse(
                security.privileged(),
                new Capabilities(
                        names(security.capabilities().add()),
                        names(security.capabilities().drop()),
                        names(security.capabilities().ambient()),
                        names(security.capabilitySet())),
                security.noNewPrivileges(),
                security.profile() == null ? security.seccomp().text() : security.profile(),
                security.apparmor(),
                security.selinux(),
                security.maskedPaths(),
                security.readOnlyPaths(),
                security.sysctls(),
                security.devices().stream()
                        .map(each -> new Device(each.path(), each.permissions()))
                        .toList(),
                Landlock.of(security.landlock()));
    }

    private static List<String> names(Collection<Capability> capabilities) {
        return capabilities.stream().map(Enum::name).toList();
    }
}

package dev.seahaven.sandbox.spec;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;

import dev.seahaven.seccomp.SeccompProfile;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/** What stands between a sandbox and the kernel. What is not given has the safe default. */
@Schema(name = "Security")
record SecurityRequest(
        @Schema(
                        description =
                                "Every capability, no seccomp filter, nothing masked or read-only,"
                                        + " every device; the configuration must allow it.",
                        defaultValue = "false")
                @Nullable Boolean privileged,
        @Nullable CapabilitiesRequest capabilities,
        @Schema(defaultValue = "true") @Nullable Boolean noNewPrivileges,
        @Nullable SeccompRequest seccomp,
        @Schema(description = "Name of a loaded AppArmor profile.") @Nullable String apparmor,
        @Schema(description = "An SELinux context.") @Nullable String selinux,
        @Schema(description = "Paths to hide, beside the usual ones.")
                @Nullable List<@Nullable String> maskedPaths,
        @Schema(description = "Paths to protect, beside the usual ones.")
                @Nullable List<@Nullable String> readOnlyPaths,
        @Schema(
                        description =
                                "Sysctls of its own network and ipc namespace, with dots or"
                                        + " slashes.",
                        example = "{\"net.ipv4.ip_forward\": \"1\"}")
                @Nullable Map<String, @Nullable String> sysctls,
        @Schema(description = "Device nodes of the host, at the same path inside.")
                @Nullable List<@Nullable DeviceRequest> devices,
        @Nullable LandlockRequest landlock) {

    @Schema(name = "Capabilities")
    record CapabilitiesRequest(
            @Schema(description = "Names of capabilities(7), or ALL.", example = "[\"NET_RAW\"]")
                    @Nullable List<@Nullable String> add,
            @Schema(
                            description =
                                    "Taken away from the default ones; what is dropped and added is"
                                            + " added.",
                            example = "[]")
                    @Nullable List<@Nullable String> drop,
            @Schema(
                            description =
                                    "Those that a user other than root has too, and passes on to"
                                            + " what it executes.")
                    @Nullable List<@Nullable String> ambient) {}

    @Schema(
            name = "Seccomp",
            description =
                    "Also a plain string: \"default\", \"nested-filters\" (the default one, with"
                            + " which programs inside can make filters of their own) or"
                            + " \"unconfined\". Else a profile.")
    record SeccompRequest(@Nullable String mode, @Nullable SeccompProfile profile) {

        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        static SeccompRequest profile(
                @JsonProperty("defaultAction") @Nullable String defaultAction,
                @JsonProperty("defaultErrnoRet") @Nullable Integer defaultErrnoRet,
                @JsonProperty("architectures") @Nullable List<@Nullable String> architectures,
                @JsonProperty("flags") @Nullable List<@Nullable String> flags,
                @JsonProperty("syscalls") @Nullable List<SeccompProfile.@Nullable Rule> syscalls) {
            return new SeccompRequest(
                    null,
                    new SeccompProfile(
                            defaultAction, defaultErrnoRet, architectures, flags, syscalls));
        }

        @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
        static SeccompRequest of(String mode) {
            return new SeccompRequest(mode, null);
        }
    }

    @Schema(name = "Device", description = "Also a plain string: the path.")
    record DeviceRequest(
            @Schema(description = "Below /dev.", example = "/dev/fuse") @Nullable String path,
            @Schema(description = "Of read, write and mknod.", defaultValue = "rwm")
                    @Nullable String permissions) {

        @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
        public DeviceRequest(
                @JsonProperty("path") @Nullable String path,
                @JsonProperty("permissions") @Nullable String permissions) {
            this.path = path;
            this.permissions = permissions;
        }

        @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
        static DeviceRequest of(String path) {
            return new DeviceRequest(path, null);
        }
    }

    @Schema(
            name = "Landlock",
            description =
                    "With read or write, nothing else can be opened but /dev; with connectPorts or"
                            + " bindPorts, no other TCP port can be used so.")
    record LandlockRequest(
            @Schema(
                            description = "Paths that may be read and executed, and all below.",
                            example = "[\"/usr\"]")
                    @Nullable List<@Nullable String> read,
            @Schema(description = "Paths that may be changed too, and all below.", example = "[]")
                    @Nullable List<@Nullable String> write,
            @Nullable List<@Nullable Integer> connectPorts,
            @Nullable List<@Nullable Integer> bindPorts) {}

    static final SecurityRequest NONE =
            new SecurityRequest(null, null, null, null, null, null, null, null, null, null, null);
}

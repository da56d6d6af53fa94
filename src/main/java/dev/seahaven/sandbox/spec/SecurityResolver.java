package dev.seahaven.sandbox.spec;

import dev.seahaven.mount.Paths;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.problem.Violations;
import dev.seahaven.sandbox.spec.Security.CapabilityChanges;
import dev.seahaven.sandbox.spec.Security.SeccompMode;
import dev.seahaven.sandbox.spec.SecurityRequest.CapabilitiesRequest;
import dev.seahaven.sandbox.spec.SecurityRequest.DeviceRequest;
import dev.seahaven.sandbox.spec.SecurityRequest.LandlockRequest;
import dev.seahaven.sandbox.spec.SecurityRequest.SeccompRequest;
import dev.seahaven.seccomp.InvalidProfileException;
import dev.seahaven.seccomp.SeccompCompiler;
import dev.seahaven.syscall.Capability;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/** What was asked for of {@code security}, to what stands between a sandbox and the kernel. */
public final class SecurityResolver {

    private static final int PATHS_MAX = 64;
    private static final int DEVICES_MAX = 16;
    private static final int SYSCTLS_MAX = 64;
    private static final int PORT_MAX = 65_535;
    private static final int ABI_TRUNCATE = 3;

    /** Names in the /dev of each sandbox that the launcher makes, other than its device nodes. */
    private static final Set<String> OWN_DEVICES =
            Set.of("core", "fd", "mqueue", "ptmx", "pts", "shm", "stderr", "stdin", "stdout");

    /** What belongs to an ipc namespace (ipc_namespaces(7)). */
    private static final Set<String> IPC_SYSCTLS =
            Set.of(
                    "kernel/msgmax",
                    "kernel/msgmnb",
                    "kernel/msgmni",
                    "kernel/sem",
                    "kernel/shmall",
                    "kernel/shmmax",
                    "kernel/shmmni",
                    "kernel/shm_rmid_forced");

    private final SeccompCompiler compiler;
    private final KernelSecurity kernel;
    private final boolean allowPrivileged;

    public SecurityResolver(
            SeccompCompiler compiler, KernelSecurity kernel, boolean allowPrivileged) {
        this.compiler = compiler;
        this.kernel = kernel;
        this.allowPrivileged = allowPrivileged;
    }

    /**
     * @param isNew whether a namespace of the sandbox is its own
     * @throws Problem 403 for what the policy does not allow, 501 for what the kernel lacks
     */
    Security resolve(
            @Nullable SecurityRequest asked, Predicate<NamespaceType> isNew, Violations wrong) {
        SecurityRequest request = Objects.requireNonNullElse(asked, SecurityRequest.NONE);
        boolean privileged = Objects.requireNonNullElse(request.privileged(), false);
        if (privileged && !allowPrivileged) {
            throw new Problem(
                    ProblemType.FORBIDDEN,
                    "security.privileged needs seahaven.policy.allow-privileged=true in the"
                            + " configuration of the daemon.");
        }
        CapabilityChanges capabilities = capabilities(request.capabilities(), privileged, wrong);
        SeccompRequest seccomp = request.seccomp();
        SeccompMode mode = seccompMode(seccomp, privileged, wrong);
        return new Security(
                privileged,
                capabilities,
                Objects.requireNonNullElse(request.noNewPrivileges(), !privileged),
                mode,
                seccomp == null ? null : seccomp.profile(),
                label("apparmor", request.apparmor(), kernel.hasAppArmor(), wrong),
                label("selinux", request.selinux(), kernel.hasSelinux(), wrong),
                coveredPaths("maskedPaths", request.maskedPaths(), wrong),
                coveredPaths("readOnlyPaths", request.readOnlyPaths(), wrong),
                sysctls(request.sysctls(), isNew, wrong),
                devices(request.devices(), wrong),
                landlock(request.landlock(), wrong));
    }

    private static CapabilityChanges capabilities(
            @Nullable CapabilitiesRequest asked, boolean privileged, Violations wrong) {
        CapabilitiesRequest request =
                Objects.requireNonNullElse(asked, new CapabilitiesRequest(null, null, null));
        CapabilityChanges changes =
                new CapabilityChanges(
                        set("add", request.add(), wrong),
                        set("drop", request.drop(), wrong),
                        set("ambient", request.ambient(), wrong));
        wrong.require(
                changes.applied(privileged).containsAll(changes.ambient()),
                "security.capabilities.ambient",
                "names what the sandbox has not; add it");
        return changes;
    }

    private static Set<Capability> set(
            String member, @Nullable List<@Nullable String> names, Violations wrong) {
        Set<Capability> set = EnumSet.noneOf(Capability.class);
        List<@Nullable String> given = Objects.requireNonNullElse(names, List.of());
        for (int i = 0; i < given.size(); i++) {
            String name = given.get(i);
            if (name != null && name.equalsIgnoreCase("ALL")) {
                set.addAll(EnumSet.allOf(Capability.class));
                continue;
            }
            Optional<Capability> known = name == null ? Optional.empty() : Capability.parse(name);
            known.ifPresent(set::add);
            wrong.require(
                    known.isPresent(),
                    "security.capabilities." + member + "[" + i + "]",
                    "'" + name + "' is no capability of capabilities(7)");
        }
        return set;
    }

    private SeccompMode seccompMode(
            @Nullable SeccompRequest asked, boolean privileged, Violations wrong) {
        if (asked == null || asked.mode() != null) {
            String mode =
                    asked == null || asked.mode() == null
                            ? privileged ? "unconfined" : "default"
                            : asked.mode();
            if (mode.equals("unconfined")) {
                return SeccompMode.UNCONFINED;
            }
            boolean nested = mode.equals("nested-filters");
            if (wrong.require(
                    nested || mode.equals("default"),
                    "security.seccomp",
                    "must be \"default\", \"nested-filters\", \"unconfined\" or a profile in OCI's"
                            + " form")) {
                requireCompiler();
            }
            return nested ? SeccompMode.NESTED_FILTERS : SeccompMode.DEFAULT;
        }
        requireCompiler();
        try {
            compiler.compile(Objects.requireNonNull(asked.profile()));
        } catch (InvalidProfileException e) {
            wrong.add("security.seccomp." + e.member(), String.valueOf(e.getMessage()));
        }
        return SeccompMode.PROFILE;
    }

    private static void requireCompiler() {
        if (!SeccompCompiler.isPossible()) {
            throw lacks(
                    "libseccomp",
                    "libseccomp.so.2 is not installed, so no filter can be compiled; install it, or"
                            + " ask for security.seccomp \"unconfined\".");
        }
    }

    private static Problem lacks(String feature, String detail) {
        return new Problem(ProblemType.UNSUPPORTED_FEATURE, detail).with("feature", feature);
    }

    private static @Nullable String label(
            String module, @Nullable String label, boolean active, Violations wrong) {
        if (label == null) {
            return null;
        }
        if (!active) {
            throw lacks(module, "This kernel does not run " + module + "; leave it out.");
        }
        wrong.require(
                !label.isEmpty() && label.length() <= 255 && label.indexOf('\0') < 0,
                "security." + module,
                "must be 1 to 255 characters");
        return label;
    }

    /** The root itself cannot be covered. */
    private static List<String> coveredPaths(
            String member, @Nullable List<@Nullable String> asked, Violations wrong) {
        List<String> paths = paths(member, asked, wrong);
        wrong.require(
                !paths.contains("/"),
                "security." + member,
                "names the root itself; rootfs.readOnly is for that");
        return paths;
    }

    private static List<String> paths(
            String member, @Nullable List<@Nullable String> asked, Violations wrong) {
        List<@Nullable String> given = Objects.requireNonNullElse(asked, List.of());
        List<String> paths = new ArrayList<>();
        wrong.require(
                given.size() <= PATHS_MAX, "security." + member, "has more than " + PATHS_MAX);
        for (int i = 0; i < given.size(); i++) {
            String path = given.get(i);
            if (wrong.require(
                    path != null && Paths.isAbsoluteAndPlain(path),
                    "security." + member + "[" + i + "]",
                    "must be an absolute path without '.', '..', a final '/' and parts of more than"
                            + " 255 bytes")) {
                paths.add(path);
            }
        }
        return paths;
    }

    private static Map<String, String> sysctls(
            @Nullable Map<String, @Nullable String> asked,
            Predicate<NamespaceType> isNew,
            Violations wrong) {
        Map<String, String> sysctls = new TreeMap<>();
        Map<String, @Nullable String> given = Objects.requireNonNullElse(asked, Map.of());
        wrong.require(
                given.size() <= SYSCTLS_MAX, "security.sysctls", "has more than " + SYSCTLS_MAX);
        given.forEach(
                (name, value) -> {
                    String at = "security.sysctls." + name;
                    String path = path(name);
                    if (value == null || value.isEmpty() || value.indexOf('\0') >= 0) {
                        wrong.add(at, "must have a value");
                    } else if (!path.matches("[-_a-zA-Z0-9.]+(/[-_a-zA-Z0-9.]+)+")
                            || Arrays.asList(path.split("/")).contains("..")) {
                        wrong.add(at, "must be a name such as net.ipv4.ip_forward");
                    } else {
                        NamespaceType owner =
                                path.startsWith("net/")
                                        ? NamespaceType.NET
                                        : IPC_SYSCTLS.contains(path)
                                                        || path.startsWith("fs/mqueue/")
                                                ? NamespaceType.IPC
                                                : null;
                        if (owner == null) {
                            wrong.add(
                                    at,
                                    "is the whole host's: only net.*, fs.mqueue.* and the kernel.*"
                                            + " of System V IPC belong to a sandbox");
                        } else if (wrong.require(
                                isNew.test(owner),
                                at,
                                "needs the " + owner.kernelName() + " namespace to be new")) {
                            sysctls.put(path, value);
                        }
                    }
                });
        return sysctls;
    }

    /** As sysctl(8): the separator is what stands first, and the other then is its opposite. */
    private static String path(String name) {
        int slash = name.indexOf('/');
        int dot = name.indexOf('.');
        if (dot < 0 || (slash >= 0 && slash < dot)) {
            return name;
        }
        return name.replace('/', '\1').replace('.', '/').replace('\1', '.');
    }

    private static List<Security.Device> devices(
            @Nullable List<@Nullable DeviceRequest> asked, Violations wrong) {
        List<@Nullable DeviceRequest> given = Objects.requireNonNullElse(asked, List.of());
        List<Security.Device> devices = new ArrayList<>();
        wrong.require(
                given.size() <= DEVICES_MAX, "security.devices", "has more than " + DEVICES_MAX);
        for (int i = 0; i < given.size(); i++) {
            DeviceRequest device = given.get(i);
            String at = "security.devices[" + i + "]";
            String path = device == null ? null : device.path();
            String permissions =
                    device == null || device.permissions() == null ? "rwm" : device.permissions();
            if (path == null || !path.startsWith("/dev/") || !Paths.isAbsoluteAndPlain(path)) {
                wrong.add(at + ".path", "must be a path below /dev");
            } else if (OWN_DEVICES.contains(path.split("/")[2])) {
                wrong.add(at + ".path", "is of the sandbox's own /dev already; leave it out");
            } else if (wrong.require(
                    permissions.matches("r?w?m?|r?m?w?|w?r?m?") && !permissions.isEmpty(),
                    at + ".permissions",
                    "must be of r, w and m")) {
                devices.add(new Security.Device(path, permissions));
            }
        }
        return devices;
    }

    private Security.@Nullable Landlock landlock(
            @Nullable LandlockRequest asked, Violations wrong) {
        if (asked == null) {
            return null;
        }
        boolean paths = asked.read() != null || asked.write() != null;
        boolean ports = asked.connectPorts() != null || asked.bindPorts() != null;
        if (kernel.landlockAbi() < 1 && (paths || ports)) {
            throw lacks("landlock", "This kernel has no Landlock; leave security.landlock out.");
        }
        if (kernel.landlockAbi() < ABI_TRUNCATE && paths) {
            throw lacks(
                    "landlock-truncate",
                    "This kernel's Landlock does not keep files from being truncated (Linux 6.2):"
                            + " leave read and write out.");
        }
        if (kernel.landlockAbi() < 4 && ports) {
            throw lacks(
                    "landlock-net",
                    "This kernel's Landlock knows no ports (Linux 6.7); leave them out.");
        }
        return new Security.Landlock(
                asked.read() == null ? null : paths("landlock.read", asked.read(), wrong),
                asked.write() == null ? null : paths("landlock.write", asked.write(), wrong),
                ports("connectPorts", asked.connectPorts(), wrong),
                ports("bindPorts", asked.bindPorts(), wrong));
    }

    private static @Nullable List<Integer> ports(
            String member, @Nullable List<@Nullable Integer> asked, Violations wrong) {
        if (asked == null) {
            return null;
        }
        List<Integer> ports = new ArrayList<>();
        wrong.require(asked.size() <= PATHS_MAX, "security.landlock." + member, "has more than 64");
        for (int i = 0; i < asked.size(); i++) {
            Integer port = asked.get(i);
            if (wrong.require(
                    port != null && port >= 0 && port <= PORT_MAX,
                    "security.landlock." + member + "[" + i + "]",
                    "must be from 0 to " + PORT_MAX)) {
                ports.add(port);
            }
        }
        return ports;
    }
}

package dev.seahaven.sandbox.launch;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.ids.Mappings;
import dev.seahaven.launcher.LaunchPlan.Hardening;
import dev.seahaven.launcher.LaunchPlan.Label;
import dev.seahaven.launcher.LaunchPlan.Landlock;
import dev.seahaven.launcher.LaunchPlan.LandlockPath;
import dev.seahaven.launcher.LaunchPlan.LandlockPort;
import dev.seahaven.launcher.LaunchPlan.Rlimit;
import dev.seahaven.launcher.LaunchPlan.Sysctl;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.sandbox.spec.KernelSecurity;
import dev.seahaven.sandbox.spec.Rlimits;
import dev.seahaven.sandbox.spec.SandboxLimits;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.sandbox.spec.Security;
import dev.seahaven.seccomp.SeccompCompiler;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** From a specification to what the launcher needs to harden a command. */
public final class HardeningPlanner {

    // landlock(7), LANDLOCK_ACCESS_FS_*
    private static final long EXECUTE = 1;
    private static final long WRITE_FILE = 1L << 1;
    private static final long READ_FILE = 1L << 2;
    private static final long READ_DIR = 1L << 3;
    private static final long TRUNCATE = 1L << 14;
    private static final long IOCTL_DEV = 1L << 15;
    private static final int FS_RIGHTS_FIRST = 13;
    private static final long BIND_TCP = 1;
    private static final long CONNECT_TCP = 1L << 1;
    private static final long ABSTRACT_SOCKETS_AND_SIGNALS = 3;
    private static final int ABI_SCOPES = 6;

    private final SeccompCompiler compiler;
    private final KernelSecurity kernel;

    public HardeningPlanner(SeccompCompiler compiler, KernelSecurity kernel) {
        this.compiler = compiler;
        this.kernel = kernel;
    }

    /**
     * @param hostNetwork whether it will be in the host's network namespace, however it comes there
     */
    Hardening plan(SandboxSpec spec, Mappings mappings, boolean hostNetwork) {
        return new Hardening(
                rlimits(spec.limits()),
                sysctls(spec, mappings),
                label(spec.security()),
                landlock(spec.security(), hostNetwork),
                filter(spec));
    }

    private static @Nullable Label label(Security security) {
        if (security.apparmor() != null) {
            return new Label("self/attr/apparmor/exec", "exec " + security.apparmor());
        }
        return security.selinux() == null ? null : new Label("self/attr/exec", security.selinux());
    }

    /** The program that filters a sandbox's system calls; empty for none. */
    public byte[] filter(SandboxSpec spec) {
        Security security = spec.security();
        return switch (security.seccomp()) {
            case UNCONFINED -> new byte[0];
            case DEFAULT -> compiler.defaults(security.capabilitySet(), false);
            case NESTED_FILTERS -> compiler.defaults(security.capabilitySet(), true);
            case PROFILE -> compiler.compile(Objects.requireNonNull(security.profile()));
        };
    }

    private static List<Rlimit> rlimits(SandboxLimits limits) {
        List<Rlimit> rlimits = new ArrayList<>();
        rlimits.add(new Rlimit(Rlimits.OPEN_FILES, limits.openFiles(), limits.openFiles()));
        limits.rlimits()
                .forEach(
                        (name, value) -> {
                            int number = Objects.requireNonNull(Rlimits.BY_NAME.get(name));
                            rlimits.add(new Rlimit(number, value, value));
                        });
        return rlimits;
    }

    /** The members that the rlimits of a plan follow from, in its order. */
    List<@Nullable String> rlimitMembers(SandboxSpec spec) {
        List<@Nullable String> members = new ArrayList<>();
        members.add("limits.openFiles");
        spec.limits().rlimits().keySet().forEach(name -> members.add("limits.rlimits." + name));
        return members;
    }

    /**
     * The members that the sysctls of a plan follow from; null for those that all sandboxes get.
     */
    List<@Nullable String> sysctlMembers(SandboxSpec spec, Hardening planned) {
        return planned.sysctls().stream()
                .<@Nullable String>map(
                        sysctl ->
                                spec.security().sysctls().containsKey(sysctl.path())
                                        ? "security.sysctls." + sysctl.path().replace('/', '.')
                                        : null)
                .toList();
    }

    /** The members that the Landlock rules of a plan follow from; null for the rule of all. */
    List<@Nullable String> landlockMembers(Security security) {
        Security.Landlock asked = security.landlock();
        if (asked == null) {
            return List.of();
        }
        List<@Nullable String> members = new ArrayList<>();
        if (asked.handlesFiles()) {
            members.add(null);
            members.addAll(members("read", asked.read()));
            members.addAll(members("write", asked.write()));
        }
        members.addAll(members("bindPorts", asked.bindPorts()));
        members.addAll(members("connectPorts", asked.connectPorts()));
        return members;
    }

    private static List<@Nullable String> members(String member, @Nullable List<?> items) {
        return items == null
                ? List.of()
                : PlanMembers.numbered("security.landlock." + member, items);
    }

    private static List<Sysctl> sysctls(SandboxSpec spec, Mappings mappings) {
        List<Sysctl> sysctls = new ArrayList<>();
        if (spec.isNew(NamespaceType.NET)) {
            add(sysctls, spec, "net/ipv4/ip_unprivileged_port_start", "0");
            long last = lastGid(mappings.gids());
            if (last >= 0) {
                add(sysctls, spec, "net/ipv4/ping_group_range", "0 " + last);
            }
        }
        spec.security().sysctls().forEach((path, value) -> sysctls.add(new Sysctl(path, value)));
        return sysctls;
    }

    private static void add(List<Sysctl> to, SandboxSpec spec, String path, String value) {
        if (!spec.security().sysctls().containsKey(path)) {
            to.add(new Sysctl(path, value));
        }
    }

    /** The last of the range that begins with 0; negative where 0 is not mapped. */
    private static long lastGid(List<IdMapping> gids) {
        return gids.stream()
                .filter(mapping -> mapping.inside() == 0)
                .mapToLong(mapping -> Math.min(mapping.length(), Integer.MAX_VALUE) - 1)
                .findFirst()
                .orElse(-1);
    }

    private Landlock landlock(Security security, boolean hostNetwork) {
        Security.Landlock asked = security.landlock();
        long scoped =
                hostNetwork && !security.privileged() && kernel.landlockAbi() >= ABI_SCOPES
                        ? ABSTRACT_SOCKETS_AND_SIGNALS
                        : 0;
        if (asked == null) {
            return new Landlock(0, 0, scoped, List.of(), List.of());
        }
        long all = allRights();
        List<LandlockPath> paths = new ArrayList<>();
        boolean restricts = asked.handlesFiles();
        if (restricts) {
            long device = READ_FILE | WRITE_FILE | READ_DIR | TRUNCATE | IOCTL_DEV;
            paths.add(new LandlockPath(device & all, "/dev"));
            orEmpty(asked.read())
                    .forEach(
                            path ->
                                    paths.add(
                                            new LandlockPath(
                                                    EXECUTE | READ_FILE | READ_DIR, path)));
            orEmpty(asked.write()).forEach(path -> paths.add(new LandlockPath(all, path)));
        }
        List<LandlockPort> ports = new ArrayList<>();
        orEmpty(asked.bindPorts()).forEach(port -> ports.add(new LandlockPort(BIND_TCP, port)));
        orEmpty(asked.connectPorts())
                .forEach(port -> ports.add(new LandlockPort(CONNECT_TCP, port)));
        long net =
                (asked.bindPorts() == null ? 0 : BIND_TCP)
                        | (asked.connectPorts() == null ? 0 : CONNECT_TCP);
        return new Landlock(restricts ? all : 0, net, scoped, paths, ports);
    }

    private static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }

    /** REFER came with the second ABI, TRUNCATE with the third, IOCTL_DEV with the fifth. */
    private long allRights() {
        int abi = kernel.landlockAbi();
        int more = (abi >= 2 ? 1 : 0) + (abi >= 3 ? 1 : 0) + (abi >= 5 ? 1 : 0);
        return (1L << (FS_RIGHTS_FIRST + more)) - 1;
    }
}

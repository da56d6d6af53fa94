package dev.seahaven.sandbox;

import dev.seahaven.launcher.LaunchPlan.Program;
import dev.seahaven.mount.Paths;
import dev.seahaven.namespace.IdMapping;
import dev.seahaven.namespace.IdMappingRequest;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.sandbox.CreateSandboxRequest.NamespacesRequest;
import dev.seahaven.sandbox.CreateSandboxRequest.NetworkRequest;
import dev.seahaven.sandbox.CreateSandboxRequest.RootfsRequest;
import dev.seahaven.sandbox.CreateSandboxRequest.TimeRequest;
import dev.seahaven.sandbox.CreateSandboxRequest.UserRequest;
import dev.seahaven.sandbox.SandboxSpec.NetworkMode;
import dev.seahaven.syscall.Signal;
import dev.seahaven.web.Names;
import dev.seahaven.web.Violations;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Requests to specifications: everything that can be told from the request alone, all problems at
 * once.
 */
final class SpecResolver {

    private static final String HOSTNAME_FORM = "[A-Za-z0-9]([-.A-Za-z0-9]{0,62}[A-Za-z0-9])?";
    private static final String VARIABLE_FORM = "[^=]+";
    static final int LABELS_MAX = 100;
    private static final int VARIABLES_MAX = 10_000;
    private static final int ARGUMENT_BYTES_MAX = 512 * 1024;

    private static final double TIMEOUT_MAX_SECONDS = 366 * 24 * 3600.0;

    /**
     * Half of what a signed 64-bit clock of nanoseconds can hold: the kernel's own bound (ERANGE).
     */
    private static final long OFFSET_MAX_SECONDS = Long.MAX_VALUE / 1_000_000_000 / 2;

    private final Violations violations = new Violations();
    private final CreateSandboxRequest request;
    private final LimitsResolver limits;
    private final SecurityResolver security;

    SpecResolver(CreateSandboxRequest request, LimitsResolver limits, SecurityResolver security) {
        this.request = request;
        this.limits = limits;
        this.security = security;
    }

    /**
     * @throws dev.seahaven.web.Problem with all that is wrong
     */
    SandboxSpec sandbox() {
        violations.require(request.stdin() == null, "stdin", "is possible for POST /runs only");
        return resolve();
    }

    /** Likewise for a run. */
    SandboxSpec run() {
        violations.require(
                !Boolean.FALSE.equals(request.start()),
                "start",
                "must not be false for a run, which starts at once; use POST /sandboxes");
        return resolve();
    }

    private SandboxSpec resolve() {
        String name = request.name();
        if (name != null) {
            Names.check(name, violations);
        }
        SandboxSpec.Rootfs rootfs = rootfs();
        SandboxSpec.Network network = network();
        SandboxSpec.Namespaces namespaces = namespaces(network);
        SandboxSpec spec =
                new SandboxSpec(
                        name,
                        labels(),
                        rootfs,
                        command(),
                        env(),
                        workingDirectory(),
                        Objects.requireNonNullElse(request.user(), "0:0"),
                        hostname(namespaces),
                        Objects.requireNonNullElse(request.init(), true),
                        namespaces,
                        network,
                        limits.resolve(request.limits(), violations),
                        security.resolve(
                                request.security(),
                                type ->
                                        (type == NamespaceType.NET
                                                        ? network.member()
                                                        : namespaces.of(type))
                                                instanceof Member.New,
                                violations),
                        stopSignal(),
                        timeout(),
                        Objects.requireNonNullElse(request.start(), true));
        violations.require(isText(spec.user()), "user", "must not be empty or hold a NUL");
        checkMixes(spec);
        checkArgumentSize(spec);
        violations.throwIfAny();
        return spec;
    }

    private static boolean isText(String text) {
        return !text.isEmpty() && text.indexOf('\0') < 0;
    }

    private Map<String, String> labels() {
        return strings(
                "labels",
                Objects.requireNonNullElse(request.labels(), Map.of()),
                LABELS_MAX,
                violations);
    }

    private Map<String, String> env() {
        Map<String, String> env =
                strings(
                        "env",
                        Objects.requireNonNullElse(request.env(), Map.of()),
                        VARIABLES_MAX,
                        violations);
        env.keySet().stream()
                .filter(variable -> !variable.matches(VARIABLE_FORM))
                .forEach(
                        variable ->
                                violations.add("env." + variable, "must have a name without '='"));
        return env;
    }

    static Map<String, String> strings(
            String field, Map<String, @Nullable String> map, int most, Violations violations) {
        Map<String, String> strings = new LinkedHashMap<>();
        if (!violations.require(
                map.size() <= most, field, "has " + map.size() + " members; at most " + most)) {
            return strings;
        }
        map.forEach(
                (key, value) -> {
                    String at = field + "." + key;
                    if (violations.require(value != null, at, "must be a string")
                            && violations.require(
                                    isText(key) && value.indexOf('\0') < 0,
                                    at,
                                    "must not hold a NUL or have an empty name")) {
                        strings.put(key, value);
                    }
                });
        return strings;
    }

    private List<String> command() {
        List<@Nullable String> command = request.command();
        if (command == null || command.isEmpty()) {
            violations.add("command", "is needed: a program and its arguments");
            return List.of();
        }
        List<String> arguments = new ArrayList<>();
        for (int i = 0; i < command.size(); i++) {
            String argument = command.get(i);
            if (violations.require(argument != null, "command[" + i + "]", "must be a string")
                    && violations.require(
                            argument.indexOf('\0') < 0, "command[" + i + "]", "must not hold a NUL")
                    && violations.require(
                            i > 0 || !argument.isEmpty(), "command[0]", "must name a program")) {
                arguments.add(argument);
            }
        }
        return List.copyOf(arguments);
    }

    private void checkArgumentSize(SandboxSpec spec) {
        List<String> strings =
                Stream.concat(
                                spec.command().stream(),
                                spec.env().entrySet().stream()
                                        .map(entry -> entry.getKey() + "=" + entry.getValue()))
                        .toList();
        long total = 0;
        for (String string : strings) {
            int bytes = string.getBytes(StandardCharsets.UTF_8).length;
            total += bytes + 1L;
            if (bytes > Program.STRING_BYTES_MAX) {
                violations.add(
                        "command",
                        "one argument or variable has more than "
                                + Program.STRING_BYTES_MAX
                                + " bytes");
                return;
            }
        }
        violations.require(
                total <= ARGUMENT_BYTES_MAX,
                "command",
                "arguments and environment have more than " + ARGUMENT_BYTES_MAX + " bytes");
    }

    private String workingDirectory() {
        String directory = Objects.requireNonNullElse(request.workingDirectory(), "/");
        violations.require(
                directory.startsWith("/") && directory.indexOf('\0') < 0,
                "workingDirectory",
                "must be an absolute path");
        return directory;
    }

    private SandboxSpec.@Nullable Rootfs rootfs() {
        RootfsRequest rootfs = request.rootfs();
        if (rootfs == null) {
            return null;
        }
        String path = rootfs.path();
        if (path == null) {
            violations.add("rootfs.path", "is needed; leave rootfs out for the host's own root");
            return null;
        }
        if (!Paths.isAbsoluteAndPlain(path)) {
            violations.add(
                    "rootfs.path",
                    "must be an absolute path without '.', '..', a final '/' and parts of more than"
                            + " 255 bytes");
            return null;
        }
        boolean readOnly = Objects.requireNonNullElse(rootfs.readOnly(), false);
        return new SandboxSpec.Rootfs(
                path, Objects.requireNonNullElse(rootfs.ephemeral(), true), readOnly);
    }

    private @Nullable String hostname(SandboxSpec.Namespaces namespaces) {
        String hostname = request.hostname();
        if (!(namespaces.uts() instanceof Member.New)) {
            violations.require(hostname == null, "hostname", "needs namespaces.uts to be \"new\"");
            return null;
        }
        if (hostname != null) {
            violations.require(
                    hostname.matches(HOSTNAME_FORM),
                    "hostname",
                    "must be 1 to 64 letters, digits, '-' and '.', beginning and ending with a"
                            + " letter or digit");
            return hostname;
        }
        return request.name() == null ? null : request.name().replace('_', '-').replace('.', '-');
    }

    private Signal stopSignal() {
        String signal = Objects.requireNonNullElse(request.stopSignal(), "TERM");
        Optional<Signal> parsed = Signal.parse(signal);
        violations.require(
                parsed.isPresent(), "stopSignal", "'" + signal + "' is no signal of signal(7)");
        return parsed.orElse(Signal.TERM);
    }

    private @Nullable Double timeout() {
        Double timeout = request.timeoutSeconds();
        if (timeout != null) {
            violations.require(
                    timeout >= 0.001 && timeout <= TIMEOUT_MAX_SECONDS,
                    "timeoutSeconds",
                    "must be from 0.001 to " + (long) TIMEOUT_MAX_SECONDS);
        }
        return timeout;
    }

    private SandboxSpec.Network network() {
        NetworkRequest network = request.network();
        String mode =
                network == null || network.mode() == null
                        ? "none"
                        : network.mode().toLowerCase(Locale.ROOT);
        String join = network == null ? null : network.join();
        if (mode.equals("bridge")) {
            violations.add("network.mode", "\"bridge\" is not supported by this version yet");
            return new SandboxSpec.Network(NetworkMode.NONE, null);
        }
        NetworkMode known;
        try {
            known = NetworkMode.valueOf(mode.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            violations.add(
                    "network.mode", "must be \"none\", \"host\", \"sandbox\" or \"namespace\"");
            return new SandboxSpec.Network(NetworkMode.NONE, null);
        }
        boolean joins = known == NetworkMode.SANDBOX || known == NetworkMode.NAMESPACE;
        if (joins) {
            violations.require(
                    join != null && isText(join) && join.indexOf('/') < 0,
                    "network.join",
                    "is needed for this mode: what to share");
        } else {
            violations.require(
                    join == null,
                    "network.join",
                    "is possible only with the modes \"sandbox\" and \"namespace\"");
        }
        return new SandboxSpec.Network(known, joins ? join : null);
    }

    private SandboxSpec.Namespaces namespaces(SandboxSpec.Network network) {
        NamespacesRequest asked =
                Objects.requireNonNullElse(
                        request.namespaces(),
                        new NamespacesRequest(null, null, null, null, null, null, null));
        Member pid = member("pid", asked.pid());
        Member uts = member("uts", asked.uts());
        Member ipc = member("ipc", asked.ipc());
        return new SandboxSpec.Namespaces(
                pid,
                member("mount", asked.mount()),
                uts,
                ipc,
                member("cgroup", asked.cgroup()),
                user(asked.user(), List.of(network.member(), pid, ipc, uts)),
                time(asked.time()));
    }

    private Member member(String type, @Nullable String text) {
        if (text == null) {
            return new Member.New();
        }
        try {
            Member member = Member.parse(text);
            violations.require(
                    text.indexOf('/') < 0 && text.indexOf('\0') < 0,
                    "namespaces." + type,
                    "must name a sandbox or namespace without '/'");
            return member;
        } catch (IllegalArgumentException e) {
            violations.add("namespaces." + type, String.valueOf(e.getMessage()));
            return new Member.New();
        }
    }

    /** Who shares a sandbox's namespaces shares the user namespace that owns them, as in a pod. */
    private SandboxSpec.User user(@Nullable UserRequest asked, List<Member> others) {
        if (asked == null
                || (asked.mode() == null
                        && asked.uidMappings() == null
                        && asked.gidMappings() == null)) {
            Set<Member> shared =
                    others.stream()
                            .filter(Member.OfSandbox.class::isInstance)
                            .collect(Collectors.toSet());
            violations.require(
                    shared.size() <= 1,
                    "namespaces.user",
                    "is needed: the shared namespaces are of several sandboxes");
            return new SandboxSpec.User(
                    shared.stream().findFirst().orElse(new Member.New()), List.of(), List.of());
        }
        Member mode = member("user", asked.mode());
        List<IdMapping> uids = mappings("uidMappings", asked.uidMappings());
        List<IdMapping> gids = mappings("gidMappings", asked.gidMappings());
        if (!(mode instanceof Member.New)) {
            violations.require(
                    uids.isEmpty() && gids.isEmpty(),
                    "namespaces.user.uidMappings",
                    "needs namespaces.user.mode to be \"new\"");
        }
        violations.require(
                gids.isEmpty() || !uids.isEmpty(),
                "namespaces.user.uidMappings",
                "is needed beside gidMappings");
        return new SandboxSpec.User(mode, uids, gids.isEmpty() ? uids : gids);
    }

    private List<IdMapping> mappings(
            String member, @Nullable List<@Nullable IdMappingRequest> asked) {
        return IdMappingRequest.resolve("namespaces.user." + member, asked, violations);
    }

    private SandboxSpec.Time time(@Nullable TimeRequest asked) {
        if (asked == null) {
            return new SandboxSpec.Time(new Member.Host(), 0, 0);
        }
        Member mode = asked.mode() == null ? new Member.Host() : member("time", asked.mode());
        long monotonic = Objects.requireNonNullElse(asked.monotonicOffsetSeconds(), 0L);
        long boottime = Objects.requireNonNullElse(asked.boottimeOffsetSeconds(), 0L);
        checkOffset("monotonicOffsetSeconds", monotonic, mode);
        checkOffset("boottimeOffsetSeconds", boottime, mode);
        return new SandboxSpec.Time(mode, monotonic, boottime);
    }

    private void checkOffset(String member, long seconds, Member mode) {
        String field = "namespaces.time." + member;
        violations.require(
                seconds == 0 || mode instanceof Member.New,
                field,
                "needs namespaces.time.mode to be \"new\"");
        violations.require(
                Math.abs(seconds) <= OFFSET_MAX_SECONDS && seconds != Long.MIN_VALUE,
                field,
                "is out of the clock's range");
    }

    private void checkMixes(SandboxSpec spec) {
        boolean ownMounts = spec.isNew(NamespaceType.MNT);
        Security asked = spec.security();
        violations.require(
                ownMounts || asked.maskedPaths().isEmpty(),
                "security.maskedPaths",
                "needs namespaces.mount to be \"new\"");
        violations.require(
                ownMounts || asked.readOnlyPaths().isEmpty(),
                "security.readOnlyPaths",
                "needs namespaces.mount to be \"new\"");
        violations.require(
                ownMounts || asked.devices().isEmpty(),
                "security.devices",
                "needs namespaces.mount to be \"new\"");
        violations.require(
                ownMounts || spec.rootfs() == null,
                "rootfs",
                "needs namespaces.mount to be \"new\"");
        if (ownMounts && spec.rootfs() == null) {
            Member user = spec.namespaces().user().mode();
            violations.require(
                    !(user instanceof Member.Host),
                    "namespaces.user",
                    "must not be \"host\" with the default root, whose files it could all read;"
                            + " give rootfs");
            violations.require(
                    !(user instanceof Member.OfNamespace),
                    "namespaces.user",
                    "must be \"new\" or a sandbox's with the default root; give rootfs");
        }
    }
}

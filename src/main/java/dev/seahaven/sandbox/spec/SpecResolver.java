package dev.seahaven.sandbox.spec;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.mount.Paths;
import dev.seahaven.namespace.IdMappingRequest;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.problem.Names;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.Violations;
import dev.seahaven.sandbox.spec.SandboxRequest.NamespacesRequest;
import dev.seahaven.sandbox.spec.SandboxRequest.NetworkRequest;
import dev.seahaven.sandbox.spec.SandboxRequest.RootfsRequest;
import dev.seahaven.sandbox.spec.SandboxRequest.TimeRequest;
import dev.seahaven.sandbox.spec.SandboxRequest.UserRequest;
import dev.seahaven.sandbox.spec.SandboxSpec.NetworkMode;
import dev.seahaven.syscall.Signal;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Requests to specifications: everything that can be told from the request alone, all problems at
 * once.
 */
public final class SpecResolver {

    private static final String HOSTNAME_FORM = "[A-Za-z0-9]([-.A-Za-z0-9]{0,62}[A-Za-z0-9])?";
    private static final int LABELS_MAX = 64;
    private static final int LABEL_KEY_MAX = 128;
    private static final int LABEL_VALUE_MAX = 1024;

    /**
     * Half of what a signed 64-bit clock of nanoseconds can hold: the kernel's own bound (ERANGE).
     */
    private static final long OFFSET_MAX_SECONDS = Long.MAX_VALUE / 1_000_000_000 / 2;

    private static final Set<String> OUTPUTS = Set.of("text", "base64");

    private final Violations violations = new Violations();
    private final ProgramRules program = new ProgramRules(violations);
    private final SandboxRequest request;
    private final LimitsResolver limits;
    private final SecurityResolver security;

    public SpecResolver(SandboxRequest request, LimitsResolver limits, SecurityResolver security) {
        this.request = request;
        this.limits = limits;
        this.security = security;
    }

    /**
     * @throws Problem with all that is wrong
     */
    public SandboxSpec sandbox() {
        violations.require(request.stdin() == null, "stdin", "is possible for POST /runs only");
        violations.require(request.output() == null, "output", "is possible for POST /runs only");
        return resolve();
    }

    /**
     * The same for a run.
     *
     * @throws Problem with all that is wrong
     */
    public SandboxSpec run() {
        violations.require(
                request.output() == null || OUTPUTS.contains(request.output()),
                "output",
                "must be \"text\" or \"base64\"");
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
                        program.command(request.command()),
                        program.env(request.env()),
                        program.workingDirectory(request.workingDirectory()),
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
                        program.timeout(request.timeoutSeconds()),
                        Objects.requireNonNullElse(request.start(), true));
        violations.require(
                ProgramRules.isText(spec.user()), "user", "must not be empty or hold a NUL");
        checkMixes(spec);
        program.checkSize(spec.command(), spec.env());
        violations.throwIfAny();
        return spec;
    }

    private Map<String, String> labels() {
        return labels(Objects.requireNonNullElse(request.labels(), Map.of()), violations);
    }

    /** Labels within their bounds. */
    public static Map<String, String> labels(
            Map<String, @Nullable String> asked, Violations violations) {
        Map<String, String> labels = ProgramRules.strings("labels", asked, LABELS_MAX, violations);
        labels.forEach(
                (key, value) ->
                        violations.require(
                                bytes(key) <= LABEL_KEY_MAX && bytes(value) <= LABEL_VALUE_MAX,
                                "labels." + key,
                                "must have a key of at most "
                                        + LABEL_KEY_MAX
                                        + " and a value of at most "
                                        + LABEL_VALUE_MAX
                                        + " bytes"));
        return labels;
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
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
        return request.name() == null ? null : Names.hostname(request.name());
    }

    private Signal stopSignal() {
        String signal = Objects.requireNonNullElse(request.stopSignal(), "TERM");
        Optional<Signal> parsed = Signal.parse(signal);
        violations.require(
                parsed.isPresent(), "stopSignal", "'" + signal + "' is no signal of signal(7)");
        return parsed.orElse(Signal.TERM);
    }

    private SandboxSpec.Network network() {
        NetworkRequest network = request.network();
        String mode =
                network == null || network.mode() == null
                        ? "none"
                        : network.mode().toLowerCase(Locale.ROOT);
        String join = network == null ? null : network.join();
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
                    join != null && ProgramRules.isText(join) && join.indexOf('/') < 0,
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

package dev.seahaven.sandbox.launch;

import dev.seahaven.claim.Claims;
import dev.seahaven.ids.Mappings;
import dev.seahaven.launcher.LaunchPlan.Join;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.launch.Partners.Partner;
import dev.seahaven.sandbox.spec.Member;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Resolves the namespaces that a sandbox shares, at each start. */
public final class Sharing {

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final NamespaceFinder namespaces;
    private final Partners partners;

    Sharing(Syscalls syscalls, ProcRoot proc, NamespaceFinder namespaces, Partners partners) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.namespaces = namespaces;
        this.partners = partners;
    }

    /** The sandboxes that a specification names, and the member that does; user follows others. */
    public static Map<String, String> references(SandboxSpec spec) {
        Map<String, String> references = new LinkedHashMap<>();
        Stream.concat(
                        Arrays.stream(NamespaceType.values())
                                .filter(type -> type != NamespaceType.USER),
                        Stream.of(NamespaceType.USER))
                .forEach(
                        type -> {
                            if (spec.member(type) instanceof Member.OfSandbox of) {
                                references.putIfAbsent(of.reference(), field(type));
                            }
                        });
        return references;
    }

    private static String field(NamespaceType type) {
        return type == NamespaceType.NET ? "network.join" : "namespaces." + type.ociName();
    }

    /** Opens what is to be entered, {@code user} last, as the launcher wants it. */
    List<Join> open(SandboxSpec spec, Claims claims) {
        List<Join> joins = new ArrayList<>();
        for (NamespaceType type : NamespaceType.values()) {
            if (type != NamespaceType.USER) {
                open(spec, type, claims).ifPresent(joins::add);
            }
        }
        open(spec, NamespaceType.USER, claims).ifPresent(joins::add);
        return joins;
    }

    private Optional<Join> open(SandboxSpec spec, NamespaceType type, Claims claims) {
        Fd opened =
                switch (spec.member(type)) {
                    case Member.New ignored -> null;
                    // The launcher is in all of the host's but the mount namespace.
                    case Member.Host ignored ->
                            type == NamespaceType.MNT ? namespaces.openOwn(type) : null;
                    case Member.OfSandbox of -> openOf(running(of.reference(), type), type);
                    case Member.OfNamespace of -> openOf(of.reference(), type);
                };
        return Optional.ofNullable(opened).map(fd -> new Join(type.flag(), claims.opened(fd)));
    }

    private Fd openOf(String reference, NamespaceType type) {
        try {
            return namespaces.open(type, reference);
        } catch (Problem e) {
            if (e.type() == ProblemType.NOT_FOUND) {
                throw Problem.invalid(field(type), String.valueOf(e.getMessage()));
            }
            throw e;
        }
    }

    private Fd openOf(Running other, NamespaceType type) {
        return openOf(other.init(), type).orElseThrow(() -> notRunning(other.partner()));
    }

    /** Empty where it has ended. */
    private Optional<Fd> openOf(PidFd init, NamespaceType type) {
        try {
            Fd namespace = namespaces.open(init.pid(), type);
            if (!syscalls.hasEnded(init)) {
                return Optional.of(namespace); // so the number was still its own
            }
            namespace.close();
        } catch (SyscallException e) {
            if (!NamespaceThread.isGone(e)) {
                throw e;
            }
        }
        return Optional.empty();
    }

    /**
     * Opens all that a running sandbox is in, {@code user} last; the host's user namespace, which
     * the launcher is in, cannot be entered again (setns(2), EINVAL).
     */
    List<Join> all(Inside inside, Claims claims) {
        List<Join> joins = new ArrayList<>();
        Stream.concat(
                        Arrays.stream(NamespaceType.values())
                                .filter(type -> type != NamespaceType.USER),
                        inside.spec().namespaces().user().mode() instanceof Member.Host
                                ? Stream.of()
                                : Stream.of(NamespaceType.USER))
                .forEach(type -> joins.add(new Join(type.flag(), openOf(inside, type, claims))));
        return joins;
    }

    private Fd openOf(Inside inside, NamespaceType type, Claims claims) {
        if (type == NamespaceType.MNT && inside.mounts() != null) {
            return inside.mounts();
        }
        return claims.opened(
                openOf(inside.init(), type)
                        .orElseThrow(
                                () ->
                                        new Problem(
                                                ProblemType.WRONG_STATE,
                                                "The sandbox has just ended.")));
    }

    private record Running(Partner partner, PidFd init) {}

    private Running running(String reference, NamespaceType type) {
        Partner other =
                partners.find(reference)
                        .orElseThrow(
                                () ->
                                        Problem.invalid(
                                                field(type),
                                                "there is no sandbox '" + reference + "'"));
        if (other.init() == null) {
            throw notRunning(other);
        }
        return new Running(other, other.init());
    }

    private static Problem notRunning(Partner other) {
        return new Problem(
                ProblemType.WRONG_STATE,
                "The sandbox "
                        + other.id()
                        + ", whose namespaces are to be shared, does not run; start it first.");
    }

    /** Whether a namespace will be the host's, or the daemon's own, however it is come by. */
    boolean isHosts(NamespaceType type, SandboxSpec spec, List<Join> joins) {
        if (spec.member(type) instanceof Member.Host) {
            return true;
        }
        return joins.stream()
                .filter(join -> join.type() == type.flag())
                .mapToLong(join -> syscalls.fstat(join.namespace()).inode())
                .anyMatch(
                        id ->
                                Stream.of(namespaces.hosts(type), namespaces.own(type))
                                        .flatMap(Optional::stream)
                                        .anyMatch(link -> link.id() == id));
    }

    /** The mappings of the user namespace that a sandbox will be in. */
    Mappings mappings(SandboxSpec spec, List<Join> joins) {
        return switch (spec.member(NamespaceType.USER)) {
            case Member.New ignored ->
                    new Mappings(
                            spec.namespaces().user().uidMappings(),
                            spec.namespaces().user().gidMappings());
            case Member.Host ignored -> Mappings.HOST;
            case Member.OfSandbox of -> {
                Partner partner = running(of.reference(), NamespaceType.USER).partner();
                Mappings shared = partner.mappings();
                if (shared == null) {
                    throw notRunning(partner);
                }
                yield shared;
            }
            case Member.OfNamespace of -> readMappings(of.reference(), joins.getLast().namespace());
        };
    }

    private Mappings readMappings(String reference, Fd userns) {
        int pid =
                namespaces
                        .member(NamespaceType.USER, syscalls.fstat(userns).inode())
                        .orElseThrow(
                                () ->
                                        Problem.invalid(
                                                "namespaces.user",
                                                "no process is in the user namespace '"
                                                        + reference
                                                        + "', so its mappings cannot be read"));
        Mappings mappings =
                Mappings.read(proc, pid)
                        .unlessGone()
                        .orElseThrow(() -> Problem.notFound("process", Integer.toString(pid)));
        if (!Mappings.maps(mappings.uids(), 0) || !Mappings.maps(mappings.gids(), 0)) {
            throw Problem.invalid(
                    "namespaces.user",
                    "the user namespace '" + reference + "' does not map the id 0");
        }
        return mappings;
    }

    /** A process in the mount namespace that is shared; null where it is new or the host's. */
    @Nullable Integer mountMember(SandboxSpec spec, List<Join> joins) {
        return switch (spec.member(NamespaceType.MNT)) {
            case Member.New ignored -> null;
            case Member.Host ignored -> null;
            case Member.OfSandbox of -> running(of.reference(), NamespaceType.MNT).init().pid();
            case Member.OfNamespace ignored ->
                    joins.stream()
                            .filter(join -> join.type() == NamespaceType.MNT.flag())
                            .findFirst()
                            .flatMap(
                                    join ->
                                            namespaces.member(
                                                    NamespaceType.MNT,
                                                    syscalls.fstat(join.namespace()).inode()))
                            .orElse(null);
        };
    }
}

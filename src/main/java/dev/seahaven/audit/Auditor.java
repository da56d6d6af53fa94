package dev.seahaven.audit;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.ids.Mappings;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.scan.Membership;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.sandbox.life.HardenedSandboxes;
import dev.seahaven.sandbox.life.HardenedSandboxes.Hardened;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Looks at a process from outside, layer by layer: one probe for each. */
public final class Auditor {

    private static final int AT_ONCE = 2;
    private static final Duration PATIENCE = Duration.ofSeconds(4);

    private final Semaphore turns = new Semaphore(AT_ONCE, true);
    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final HardenedSandboxes sandboxes;
    private final ResourcesProbe resources;
    private final MountsProbe mounts;
    private final ReachProbe reach;
    private final ListenersProbe listeners;

    public Auditor(
            Syscalls syscalls, ProcRoot proc, NamespaceFinder finder, HardenedSandboxes sandboxes) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.finder = finder;
        this.sandboxes = sandboxes;
        this.resources = new ResourcesProbe(syscalls, proc);
        this.mounts = new MountsProbe(proc);
        this.reach = new ReachProbe(syscalls, proc);
        this.listeners = new ListenersProbe(proc);
    }

    /**
     * Of the command of a sandbox.
     *
     * @throws Problem 404 when there is none, 409 when it does not run
     */
    public Audit sandbox(String reference) {
        Hardened sandbox = sandboxes.get(reference);
        return audit(sandbox.commandPid(), sandbox);
    }

    /**
     * Of any process of the host.
     *
     * @throws Problem 404 when there is none
     */
    public Audit process(int pid) {
        return audit(pid, sandboxes.withProcess(pid).orElse(null));
    }

    /** One looks at much, and who is looked at may have made that large. */
    private Audit audit(int pid, @Nullable Hardened sandbox) {
        try {
            if (!turns.tryAcquire(PATIENCE.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new Problem(ProblemType.BUSY, AT_ONCE + " audits are under way; try again.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        }
        try {
            return auditNow(pid, sandbox);
        } finally {
            turns.release();
        }
    }

    /** Holds the process meanwhile, so that its number does not become another's. */
    private Audit auditNow(int pid, @Nullable Hardened sandbox) {
        try (PidFd held = syscalls.pidfdOpen(pid)) {
            ProcStatus status = ProcStatus.read(proc, pid).orElseThrow(() -> gone(pid));
            ProcStat stat = ProcStat.read(proc, pid).orElseThrow(() -> gone(pid));
            Facts facts = facts(pid, status, sandbox);
            if (syscalls.hasEnded(held)) {
                throw gone(pid);
            }
            return new Audit(
                    pid,
                    stat.command(),
                    sandbox == null ? null : sandbox.id(),
                    facts,
                    Checks.of(facts));
        } catch (SyscallException e) {
            if (NamespaceThread.isGone(e) || e.errno() == Errno.EINVAL) {
                throw gone(pid);
            }
            throw e;
        }
    }

    private static Problem gone(int pid) {
        return Problem.notFound("process", Integer.toString(pid));
    }

    private Facts facts(int pid, ProcStatus status, @Nullable Hardened sandbox) {
        Map<NamespaceType, Seen<Membership>> namespaces = namespaces(pid);
        Seen<Mappings> mappings =
                Seen.of(() -> Mappings.read(proc, pid).unlessGone().orElse(Mappings.NONE));
        Facts.Credentials credentials = CredentialsProbe.credentials(status);
        Seen<List<MountInfo>> own = Seen.of(() -> mounts.of(pid));
        List<MountInfo> hosts = MountInfo.read(proc);
        Seen<List<IdMapping>> uids = Seen.of(() -> known(mappings).uids());
        boolean rootMayBeHosts =
                !isIsolated(namespaces, NamespaceType.USER)
                        || uids.mayBe(all -> all.stream().anyMatch(each -> each.mapsOutside(0)));
        boolean hostNetwork = !isIsolated(namespaces, NamespaceType.NET);
        return new Facts(
                namespaces,
                uids,
                clocksAreHosts(pid, namespaces.get(NamespaceType.TIME)),
                credentials,
                CredentialsProbe.seccomp(status, sandbox),
                Seen.of(() -> label(pid)),
                sandbox == null ? null : Boolean.valueOf(sandbox.landlock()),
                Seen.of(() -> resources.of(pid, known(own), hosts)),
                Seen.of(() -> mounts.writable(known(own), hosts, rootMayBeHosts)),
                Seen.of(() -> mounts.openKernelPaths(known(own))),
                Seen.of(
                        () ->
                                reach.engineSockets(
                                        pid,
                                        known(own),
                                        FileAccess.of(
                                                status,
                                                credentials.reachable(),
                                                known(mappings).uids(),
                                                known(mappings).gids()))),
                Seen.of(() -> reach.devices(pid)),
                Seen.of(
                        () ->
                                hostNetwork
                                        ? listeners.of(
                                                sandbox == null
                                                        ? List.of(pid)
                                                        : sandbox.processes())
                                        : List.of()),
                sandbox);
    }

    /** What one layer needs of another: unknown there is unknown here. */
    private static <T> T known(Seen<T> seen) {
        return switch (seen) {
            case Seen.Value<T>(T value) -> value;
            case Seen.Unknown<T>(String why) -> throw new SyscallException(why, Errno.EIO);
        };
    }

    private Map<NamespaceType, Seen<Membership>> namespaces(int pid) {
        Map<NamespaceType, Seen<Membership>> namespaces = new EnumMap<>(NamespaceType.class);
        for (NamespaceType type : NamespaceType.values()) {
            namespaces.put(
                    type,
                    Seen.of(
                            () ->
                                    finder.membership(pid, type)
                                            .unlessGone()
                                            .orElseThrow(() -> gone(pid))));
        }
        return namespaces;
    }

    /** Whether it is known to have a namespace of its own. */
    private static boolean isIsolated(
            Map<NamespaceType, Seen<Membership>> namespaces, NamespaceType type) {
        Seen<Membership> seen = namespaces.get(type);
        return seen != null && seen.is(Membership::isolated);
    }

    /**
     * A new time namespace shows the host's clocks until it has an offset for each
     * (time_namespaces(7)).
     */
    private Seen<Boolean> clocksAreHosts(int pid, @Nullable Seen<Membership> time) {
        return switch (time) {
            case Seen.Unknown<Membership>(String why) -> new Seen.Unknown<>(why);
            case Seen.Value<Membership>(Membership own) when own.isolated() ->
                    Seen.of(
                            () ->
                                    proc.read(pid + "/timens_offsets")
                                            .orElse("")
                                            .lines()
                                            .anyMatch(line -> line.matches("\\w+ +0 +0")));
            case null, default -> new Seen.Value<>(true);
        };
    }

    /** Empty where no module gives one: the file is not there, or reading it is EINVAL. */
    private Optional<String> label(int pid) {
        try {
            return proc.read(pid + "/attr/current")
                    .map(text -> text.replace("\0", "").trim())
                    .filter(text -> !text.isEmpty());
        } catch (SyscallException e) {
            if (e.errno() == Errno.EINVAL) {
                return Optional.empty();
            }
            throw e;
        }
    }
}

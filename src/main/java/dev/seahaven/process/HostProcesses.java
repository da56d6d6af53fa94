package dev.seahaven.process;

import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.life.NamespaceViews;
import dev.seahaven.namespace.scan.Membership;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.namespace.view.PidTranslation;
import dev.seahaven.problem.Problem;
import dev.seahaven.procfs.CgroupMembership;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.syscall.Capability;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads processes. Each is held by its directory below {@code /proc}, so that what is told of it is
 * its own and never that of a later one with the same number.
 */
public final class HostProcesses {

    private static final int FILE_MAX = 1 << 20;

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final NamespaceViews views;
    private final PidTranslation translation;

    public HostProcesses(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            NamespaceViews views) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.finder = finder;
        this.views = views;
        this.translation = new PidTranslation(syscalls, calls, proc);
    }

    /** All processes, or those in one namespace, by number. */
    public List<HostProcess.Summary> list(@Nullable Long namespace) {
        List<HostProcess.Summary> found = new ArrayList<>();
        Map<Long, List<Long>> chains = new HashMap<>();
        for (int pid : proc.processes()) {
            try (Fd dir = open(pid)) {
                if (namespace == null || isIn(dir, namespace)) {
                    found.add(summary(pid, dir, chains));
                }
            } catch (SyscallException e) {
                if (!NamespaceThread.isGone(e)) {
                    throw e;
                }
            }
        }
        return found;
    }

    private Fd open(int pid) {
        return syscalls.open(proc.path() + "/" + pid, Syscalls.O_PATH, 0);
    }

    private boolean isIn(Fd dir, long namespace) {
        return Arrays.stream(NamespaceType.values())
                .anyMatch(
                        type -> link(dir, type).filter(link -> link.id() == namespace).isPresent());
    }

    private Optional<NamespaceLink> link(Fd dir, NamespaceType type) {
        try {
            return finder.link(dir, "ns/" + type.kernelName());
        } catch (SyscallException e) {
            if (e.errno() == Errno.EACCES || e.errno() == Errno.EPERM) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private String read(Fd dir, String file) {
        return KernelText.decode(syscalls.readFile(dir, file, FILE_MAX));
    }

    private HostProcess.Summary summary(int pid, Fd dir, Map<Long, List<Long>> chains) {
        ProcStat stat = ProcStat.parse(read(dir, "stat"));
        ProcStatus status = ProcStatus.parse(read(dir, "status"));
        Optional<NamespaceLink> own = link(dir, NamespaceType.PID);
        return new HostProcess.Summary(
                pid,
                stat.parent(),
                stat.command(),
                own.map(link -> levels(pid, link.id(), status, chains)).orElse(List.of()),
                own.isPresent());
    }

    /** The chain of namespaces is asked for once for each, the numbers for each process. */
    private List<PidTranslation.Level> levels(
            int pid, long own, ProcStatus status, Map<Long, List<Long>> chains) {
        List<Long> chain = chains.get(own);
        if (chain == null) {
            chain = translation.levels(pid).stream().map(PidTranslation.Level::namespace).toList();
            if (chain.isEmpty() || chain.getLast() != own) {
                return List.of();
            }
            chains.put(own, chain);
        }
        return PidTranslation.levels(chain, status.pids());
    }

    /**
     * @throws Problem 404 where there is none, or it ends while it is looked at
     */
    public HostProcess get(int pid) {
        try (Fd dir = open(pid)) {
            ProcStat stat = ProcStat.parse(read(dir, "stat"));
            ProcStatus status = ProcStatus.parse(read(dir, "status"));
            List<Membership> in = finder.memberships(pid);
            boolean readable = in.stream().anyMatch(each -> each.type() == NamespaceType.USER);
            return new HostProcess(
                    pid,
                    stat.parent(),
                    stat.command(),
                    commandLine(dir),
                    Character.toString(stat.state()),
                    stat.startTicks(),
                    stat.threads(),
                    in,
                    translation.levels(pid),
                    readable ? views.idsOf(pid, status.uid(), status.gid()) : List.of(),
                    readable ? security(status) : null,
                    CgroupMembership.parse(read(dir, "cgroup")));
        } catch (SyscallException e) {
            return switch (e.errno()) {
                case EACCES, EPERM -> unreadable(pid);
                case ENOENT, ESRCH -> throw Problem.notFound("process", Integer.toString(pid));
                default -> throw e;
            };
        }
    }

    private static HostProcess.Security security(ProcStatus status) {
        return new HostProcess.Security(
                Capability.names(status.hex("CapInh")),
                Capability.names(status.hex("CapPrm")),
                Capability.names(status.hex("CapEff")),
                Capability.names(status.hex("CapBnd")),
                Capability.names(status.hex("CapAmb")),
                status.seccomp(),
                status.number("NoNewPrivs") == 1);
    }

    private List<String> commandLine(Fd dir) {
        String text = read(dir, "cmdline");
        return text.isEmpty() ? List.of() : List.of(text.split("\0"));
    }

    private HostProcess unreadable(int pid) {
        ProcStat stat =
                ProcStat.read(proc, pid)
                        .orElseThrow(() -> Problem.notFound("process", Integer.toString(pid)));
        return new HostProcess(
                pid,
                stat.parent(),
                stat.command(),
                List.of(),
                Character.toString(stat.state()),
                stat.startTicks(),
                stat.threads(),
                List.of(),
                List.of(),
                List.of(),
                null,
                List.of());
    }
}

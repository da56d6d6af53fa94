package dev.seahaven.process;

import dev.seahaven.namespace.NamespaceFinder;
import dev.seahaven.namespace.NamespaceLink;
import dev.seahaven.namespace.NamespaceService;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.PidTranslation;
import dev.seahaven.procfs.CgroupMembership;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.syscall.Capability;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.web.Problem;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Reads processes. Each is held by its directory below {@code /proc}, so that what is told of it is
 * its own and never that of a later one with the same number.
 */
final class HostProcesses {

    private static final int FILE_MAX = 1 << 20;

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final NamespaceFinder finder;
    private final NamespaceService namespaces;
    private final PidTranslation translation;

    HostProcesses(
            Syscalls syscalls,
            NamespaceCalls calls,
            ProcRoot proc,
            NamespaceFinder finder,
            NamespaceService namespaces) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.finder = finder;
        this.namespaces = namespaces;
        this.translation = new PidTranslation(syscalls, calls, proc);
    }

    /** All processes, or those in one namespace, by number. */
    List<ProcessResponse.Summary> list(@Nullable Long namespace) {
        List<ProcessResponse.Summary> found = new ArrayList<>();
        Map<Long, List<Long>> chains = new HashMap<>();
        for (int pid : proc.processes()) {
            try (Fd dir = open(pid)) {
                if (namespace == null || isIn(dir, namespace)) {
                    found.add(summary(pid, dir, chains));
                }
            } catch (SyscallException e) {
                // It has ended.
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
            return Optional.empty(); // it may not be read
        }
    }

    private String read(Fd dir, String file) {
        return new String(syscalls.readFile(dir, file, FILE_MAX), StandardCharsets.UTF_8);
    }

    private ProcessResponse.Summary summary(int pid, Fd dir, Map<Long, List<Long>> chains) {
        ProcStat stat = ProcStat.parse(read(dir, "stat"));
        ProcStatus status = ProcStatus.parse(read(dir, "status"));
        Optional<NamespaceLink> own = link(dir, NamespaceType.PID);
        return new ProcessResponse.Summary(
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
    ProcessResponse get(int pid) {
        try (Fd dir = open(pid)) {
            ProcStat stat = ProcStat.parse(read(dir, "stat"));
            ProcStatus status = ProcStatus.parse(read(dir, "status"));
            Map<String, ProcessResponse.Membership> in = new TreeMap<>();
            for (NamespaceType type : NamespaceType.values()) {
                link(dir, type)
                        .ifPresent(
                                link ->
                                        in.put(
                                                type.kernelName(),
                                                new ProcessResponse.Membership(
                                                        link.id(),
                                                        !Optional.of(link)
                                                                .equals(finder.hosts(type)))));
            }
            boolean readable = in.containsKey("user");
            return new ProcessResponse(
                    pid,
                    stat.parent(),
                    stat.command(),
                    commandLine(dir),
                    Character.toString(stat.state()),
                    stat.startTicks(),
                    stat.threads(),
                    in,
                    translation.levels(pid),
                    readable ? namespaces.idsOf(pid, status.uid(), status.gid()) : List.of(),
                    new ProcessResponse.Capabilities(
                            Capability.names(status.hex("CapInh")),
                            Capability.names(status.hex("CapPrm")),
                            Capability.names(status.hex("CapEff")),
                            Capability.names(status.hex("CapBnd")),
                            Capability.names(status.hex("CapAmb"))),
                    status.seccomp(),
                    status.number("NoNewPrivs") == 1,
                    CgroupMembership.parse(read(dir, "cgroup")),
                    readable);
        } catch (SyscallException e) {
            return switch (e.errno()) {
                case EACCES, EPERM -> unreadable(pid);
                case ENOENT, ESRCH -> throw Problem.notFound("process", Integer.toString(pid));
                default -> throw e;
            };
        }
    }

    private List<String> commandLine(Fd dir) {
        String text = read(dir, "cmdline");
        return text.isEmpty() ? List.of() : List.of(text.split("\0"));
    }

    private ProcessResponse unreadable(int pid) {
        ProcStat stat =
                ProcStat.read(proc, pid)
                        .orElseThrow(() -> Problem.notFound("process", Integer.toString(pid)));
        return new ProcessResponse(
                pid,
                stat.parent(),
                stat.command(),
                List.of(),
                Character.toString(stat.state()),
                stat.startTicks(),
                stat.threads(),
                Map.of(),
                List.of(),
                List.of(),
                null,
                null,
                null,
                List.of(),
                false);
    }
}

package dev.seahaven.namespace.view;

import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which processes have a socket open, found by the descriptors of all processes. */
final class SocketOwners {

    private static final String PREFIX = "socket:[";

    private final ProcRoot proc;

    SocketOwners(ProcRoot proc) {
        this.proc = proc;
    }

    /** The processes by the inodes of sockets; nothing for one that none can be seen to have. */
    Map<Long, List<NamespaceView.Net.Owner>> of(Set<Long> inodes) {
        Map<Long, List<NamespaceView.Net.Owner>> owners = new HashMap<>();
        if (inodes.isEmpty()) {
            return owners;
        }
        for (int pid : proc.processes()) {
            for (int fd : proc.numbers(pid + "/fd").ifVisible().orElse(List.of())) {
                long inode =
                        proc.link(pid + "/fd/" + fd)
                                .ifVisible()
                                .map(SocketOwners::inode)
                                .orElse(-1L);
                if (inodes.contains(inode)) {
                    add(owners.computeIfAbsent(inode, key -> new ArrayList<>()), pid);
                }
            }
        }
        return owners;
    }

    private static long inode(String link) {
        return link.startsWith(PREFIX) && link.endsWith("]")
                ? Long.parseLong(link.substring(PREFIX.length(), link.length() - 1))
                : -1;
    }

    private void add(List<NamespaceView.Net.Owner> owners, int pid) {
        boolean known = !owners.isEmpty() && owners.getLast().pid() == pid;
        if (!known) {
            ProcStat.read(proc, pid)
                    .ifPresent(
                            stat -> owners.add(new NamespaceView.Net.Owner(pid, stat.command())));
        }
    }
}

package dev.seahaven.audit;

import dev.seahaven.procfs.ProcRoot;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Sockets by which a process listens in its network namespace. */
final class ListenersProbe {

    // of include/net/tcp_states.h, which udp has too
    private static final long LISTEN = 0x0a;
    private static final long UNCONNECTED = 0x07;
    private static final String SOCKET = "socket:[";

    private final ProcRoot proc;

    ListenersProbe(ProcRoot proc) {
        this.proc = proc;
    }

    /**
     * @param pids that are in the same network namespace
     */
    List<String> of(List<Integer> pids) {
        List<String> found = new ArrayList<>();
        if (pids.isEmpty()) {
            return found;
        }
        Set<String> own = sockets(pids);
        for (String protocol : List.of("tcp", "tcp6", "udp", "udp6")) {
            long state = protocol.startsWith("tcp") ? LISTEN : UNCONNECTED;
            proc.read(pids.getFirst() + "/net/" + protocol)
                    .orElse("")
                    .lines()
                    .skip(1)
                    .map(line -> line.trim().split("\\s+"))
                    .filter(words -> words.length > 9)
                    .filter(words -> Long.parseLong(words[3], 16) == state)
                    .filter(words -> own.contains(words[9]))
                    .map(words -> protocol + " port " + port(words[1]))
                    .forEach(found::add);
        }
        return found;
    }

    /** The inodes of the sockets that they have open. */
    private Set<String> sockets(List<Integer> pids) {
        Set<String> own = new HashSet<>();
        for (int pid : pids) {
            for (int fd : proc.numbers(pid + "/fd").unlessGone().orElse(List.of())) {
                proc.link(pid + "/fd/" + fd)
                        .unlessGone()
                        .filter(target -> target.startsWith(SOCKET))
                        .map(target -> target.substring(SOCKET.length(), target.length() - 1))
                        .ifPresent(own::add);
            }
        }
        return own;
    }

    private static int port(String address) {
        return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1), 16);
    }
}

package dev.seahaven.sandbox.guard;

import dev.seahaven.procfs.ProcRoot;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Memory of the kernel that no control group counts: messages in sockets, and locks of files. */
final class KernelMemory {

    /** Of {@code struct file_lock}, as its cache has it. */
    private static final long LOCK_BYTES = 256;

    private static final int SOCKETS_READ_MAX = 4 << 20;

    /** With the column of what was received, and whether it is hexadecimal and after a colon. */
    private enum Sockets {
        NETLINK("netlink", 4, false),
        PACKET("packet", 6, false),
        RAW("raw", 4, true),
        RAW6("raw6", 4, true),
        ICMP("icmp", 4, true),
        ICMP6("icmp6", 4, true);

        private final String file;
        private final int column;
        private final boolean queues;

        Sockets(String file, int column, boolean queues) {
            this.file = file;
            this.column = column;
            this.queues = queues;
        }
    }

    private final ProcRoot proc;

    KernelMemory(ProcRoot proc) {
        this.proc = proc;
    }

    /**
     * Bytes that wait in sockets of the network namespaces of some processes, beside those that
     * groups count. The daemon's own namespace is everybody's, and is left out.
     */
    long inSockets(List<Integer> processes) {
        Set<String> seen = new HashSet<>();
        proc.link("self/ns/net").ifVisible().ifPresent(seen::add);
        proc.link("1/ns/net").ifVisible().ifPresent(seen::add);
        long sum = 0;
        for (int pid : processes) {
            Optional<String> network = proc.link(pid + "/ns/net").ifVisible();
            if (network.filter(seen::add).isPresent()) {
                for (Sockets kind : Sockets.values()) {
                    sum += received(pid, kind);
                }
            }
        }
        return sum;
    }

    private long received(int pid, Sockets kind) {
        long sum = 0;
        try (BufferedReader lines = open(pid + "/net/" + kind.file)) {
            long read = 0;
            lines.readLine(); // the names of the columns
            for (String line = lines.readLine();
                    line != null && read < SOCKETS_READ_MAX;
                    line = lines.readLine()) {
                read += line.length();
                sum += bytes(line.trim().split(" +"), kind);
            }
        } catch (IOException e) {
            return sum; // it has ended, or the kernel has no such sockets
        }
        return sum;
    }

    private static long bytes(String[] words, Sockets kind) {
        if (words.length <= kind.column) {
            return 0;
        }
        String word = words[kind.column];
        return kind.queues
                ? Long.parseLong(word.substring(word.indexOf(':') + 1), 16)
                : Long.parseLong(word);
    }

    /**
     * What the locks of files take that some processes hold, by process or by open file (fcntl(2)).
     * Each descriptor tells its own (proc_pid_fdinfo(5)); {@code /proc/locks} stops all locking of
     * the host for each page that is read of it.
     */
    long inLocks(List<Integer> processes) {
        long locks = 0;
        for (int pid : processes) {
            for (int fd : proc.numbers(pid + "/fd").ifVisible().orElse(List.of())) {
                boolean isFile =
                        proc.link(pid + "/fd/" + fd)
                                .ifVisible()
                                .filter(target -> target.startsWith("/"))
                                .isPresent();
                locks += isFile ? locks(pid, fd) : 0;
            }
        }
        return locks * LOCK_BYTES;
    }

    private long locks(int pid, int fd) {
        long count = 0;
        try (BufferedReader lines = open(pid + "/fdinfo/" + fd)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                count += line.startsWith("lock:") ? 1 : 0;
            }
        } catch (IOException e) {
            return count; // it was closed
        }
        return count;
    }

    private BufferedReader open(String file) throws IOException {
        return new BufferedReader(
                new InputStreamReader(
                        Files.newInputStream(Path.of(proc.path(), file)),
                        StandardCharsets.ISO_8859_1));
    }
}

package dev.seahaven.sandbox.guard;

import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStat;
import dev.seahaven.syscall.NamespaceCalls;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Counts the open files of the kernel ({@code struct file}) that somebody holds. A file that is
 * inherited or shared counts once, however many descriptors lead to it.
 */
final class OpenFiles {

    private final ProcRoot proc;
    private final @Nullable NamespaceCalls calls;

    /** One that only tells what is in flight. */
    OpenFiles(ProcRoot proc) {
        this(proc, null);
    }

    OpenFiles(ProcRoot proc, @Nullable NamespaceCalls calls) {
        this.proc = proc;
        this.calls = calls;
    }

    /** All descriptors: it has at most so many files open. */
    long descriptors(List<Integer> processes) {
        return processes.stream().mapToLong(this::descriptors).sum();
    }

    /** The size of the directory tells them since Linux 6.2. */
    private long descriptors(int pid) {
        String directory = pid + "/fd";
        try {
            long size = Files.size(Path.of(proc.path(), directory));
            return size > 0 ? size : numbers(directory).size();
        } catch (IOException e) {
            return 0; // it has ended
        }
    }

    private List<Integer> numbers(String directory) {
        return proc.numbers(directory).ifVisible().orElse(List.of());
    }

    /** Files in messages that nobody has received, as the sockets of somebody tell them. */
    long inFlight(Guarded who) {
        long sum = 0;
        Map<String, Long> bySocket = new HashMap<>();
        for (int pid : who.processes()) {
            for (int fd : numbers(pid + "/fd")) {
                Optional<String> link = proc.link(pid + "/fd/" + fd).ifVisible();
                if (link.filter(target -> target.startsWith("socket:")).isPresent()) {
                    bySocket.computeIfAbsent(link.get(), socket -> inFlight(pid, fd));
                }
            }
        }
        for (long each : bySocket.values()) {
            sum += each;
        }
        return sum;
    }

    /** {@code scm_fds} of proc_pid_fdinfo(5). */
    private long inFlight(int pid, int fd) {
        return proc.reading(pid + "/fdinfo/" + fd)
                .ifVisible()
                .flatMap(
                        text ->
                                ProcRoot.lines(text)
                                        .filter(line -> line.startsWith("scm_fds:"))
                                        .findFirst())
                .map(line -> Long.parseLong(line.substring(8).trim()))
                .orElse(0L);
    }

    /** Places of memory that files are mapped at: each may keep one that is not open any more. */
    long mappings(List<Integer> processes) {
        return processes.stream()
                .mapToLong(
                        pid ->
                                proc.reading(pid + "/maps")
                                        .ifVisible()
                                        .map(OpenFiles::ofFiles)
                                        .orElse(0L))
                .sum();
    }

    private static long ofFiles(String maps) {
        return ProcRoot.lines(maps)
                .filter(
                        line ->
                                line.split(" +", 6).length > 4
                                        && !line.split(" +", 6)[4].equals("0"))
                .count();
    }

    private record At(int pid, int fd) {}

    /**
     * The files that are open, each once.
     *
     * @param enough at which counting ends
     */
    long distinct(List<Integer> processes, long enough) {
        Map<String, At> first = new HashMap<>();
        long count = 0;
        for (int pid : processes) {
            int parent = ProcStat.read(proc, pid).map(ProcStat::parent).orElse(0);
            boolean inherits = processes.contains(parent);
            for (int fd : numbers(pid + "/fd")) {
                Optional<String> link = proc.link(pid + "/fd/" + fd).ifVisible();
                if (link.isEmpty()) {
                    continue;
                }
                At known = first.putIfAbsent(link.get(), new At(pid, fd));
                boolean again =
                        (known != null && isSame(pid, fd, known))
                                || (inherits && isSame(pid, fd, new At(parent, fd)));
                if (!again && ++count >= enough) {
                    return count;
                }
            }
        }
        return count;
    }

    private boolean isSame(int pid, int fd, At other) {
        return calls != null && calls.isSameFile(pid, fd, other.pid, other.fd);
    }
}

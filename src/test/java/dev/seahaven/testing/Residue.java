package dev.seahaven.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Everything on this host that is ours, as far as it can be told from others': counted before and
 * after a test, it must be the same.
 */
final class Residue {

    private Residue() {}

    static Map<String, Long> count(TestDaemon daemon) {
        Map<String, Long> found = new TreeMap<>();
        TestDaemon.Places places = daemon.places();
        found.put("cgroups", (long) places.groups().size());
        found.put("state directories", entries(places.sandboxes(), path -> true));
        found.put("run files", entries(places.run().resolve("sandboxes"), path -> true));
        found.put(
                "named namespaces",
                entries(Path.of("/var/run/netns"), path -> !ofTrial("" + path)));
        found.put("links", Outside.run("ip", "-o", "link").lines().count());
        found.put("mounts", mounts(places));
        found.put("id ranges", gauge(daemon, "seahaven.id.ranges.used"));
        found.put("test roots", entries(places.base(), path -> true));
        countDescriptors(found);
        countProcesses(found, places.cgroup());
        return found;
    }

    /** Without the two directories of names, which stay mounts for as long as the daemon runs. */
    private static long mounts(TestDaemon.Places places) {
        return Outside.read("/proc/self/mountinfo")
                .lines()
                .map(line -> line.split(" ")[4])
                .filter(point -> !point.equals("/run/netns") && !ofTrial(point))
                .filter(point -> !point.equals(places.run().resolve("ns").toString()))
                .count();
    }

    /** A trial may run beside the tests. */
    private static boolean ofTrial(String path) {
        return path.contains("/trial-") || path.contains("/seahaven-trial-");
    }

    /**
     * Each thread of the daemon must be in the daemon's own namespaces (one that is not carries
     * others with it).
     */
    static long foreignThreads() {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            return tasks.filter(Residue::isForeign).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isForeign(Path task) {
        try {
            for (String type : Outside.TYPES) {
                Path own = Files.readSymbolicLink(Path.of("/proc/self/ns/" + type));
                if (!Files.readSymbolicLink(task.resolve("ns/" + type)).equals(own)) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            return false; // the thread has ended
        }
    }

    private static long entries(Path directory, Predicate<Path> which) {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(which).count();
        } catch (NoSuchFileException e) {
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long gauge(TestDaemon daemon, String name) {
        return (long)
                daemon.api()
                        .get("/actuator/metrics/" + name)
                        .json()
                        .path("measurements")
                        .path(0)
                        .path("value")
                        .asDouble();
    }

    /** Sockets are left out: the tests' own HTTP connections come and go. */
    private static void countDescriptors(Map<String, Long> found) {
        try (Stream<Path> fds = Files.list(Path.of("/proc/self/fd"))) {
            fds.map(Residue::kind)
                    .filter(kind -> !kind.isEmpty())
                    .forEach(kind -> found.merge("descriptors " + kind, 1L, Long::sum));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        // Some lie ready, and come and go in their own time.
        allow(found, "descriptors net:[", 1);
        allow(found, "descriptors cgroup", 4 * 10L); // groups, and hierarchies of each
    }

    private static void allow(Map<String, Long> found, String kind, long most) {
        found.computeIfPresent(kind, (same, count) -> count <= most ? null : count - most);
    }

    private static String kind(Path fd) {
        try {
            String target = Files.readSymbolicLink(fd).toString();
            for (String kind :
                    new String[] {
                        "pidfd", "memfd", "eventpoll", "mnt:[", "net:[", "user:[", "cgroup"
                    }) {
                if (target.contains(kind)) {
                    return kind;
                }
            }
            return target.startsWith("/var/lib/seahaven-test") ? "state" : "";
        } catch (IOException e) {
            return "";
        }
    }

    private static void countProcesses(Map<String, Long> found, String cgroup) {
        found.put("processes in sandboxes", 0L);
        found.put("monitors", 0L);
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            processes
                    .filter(path -> Character.isDigit(path.getFileName().toString().charAt(0)))
                    .forEach(path -> classify(path, found, cgroup));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void classify(Path process, Map<String, Long> found, String cgroup) {
        try {
            if (Pattern.compile("/" + cgroup + "/(?!default-)") // what is launched begins in those
                    .matcher(Files.readString(process.resolve("cgroup")))
                    .find()) {
                found.merge("processes in sandboxes", 1L, Long::sum);
            } else if (Files.readString(process.resolve("comm")).trim().equals("seahaven-mon")
                    && isOurs(Long.parseLong(process.getFileName().toString()))) {
                found.merge("monitors", 1L, Long::sum);
            }
        } catch (IOException e) {
            // It has ended.
        }
    }

    /**
     * Below this process, or without a parent that lives: what other daemons have is below them.
     */
    private static boolean isOurs(long pid) {
        Optional<ProcessHandle> parent = ProcessHandle.of(pid).flatMap(ProcessHandle::parent);
        boolean orphan = parent.filter(each -> each.pid() == 1).isPresent();
        while (parent.isPresent() && parent.get().pid() != ProcessHandle.current().pid()) {
            parent = parent.get().parent();
        }
        return orphan || parent.isPresent();
    }
}

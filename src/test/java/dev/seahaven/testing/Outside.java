package dev.seahaven.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** How the host sees things: /proc, and the tools of util-linux and iproute2. */
public final class Outside {

    public static final List<String> TYPES =
            List.of("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts");

    private Outside() {}

    /** Runs a program to its end; it must succeed. Returns what it wrote. */
    public static String run(String... command) {
        return runTo(0, command);
    }

    /** The same, of a program that is to end with a status. */
    public static String runTo(int status, String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String text =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
            assertThat(process.exitValue())
                    .as(String.join(" ", command) + ": " + text)
                    .isEqualTo(status);
            return text;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    public static String read(String file) {
        try {
            return Files.readString(Path.of(file), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The link of a namespace, such as {@code net:[4026531840]}. */
    public static String namespace(Object pid, String type) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/" + pid + "/ns/" + type)).toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The children of a process. */
    public static List<Integer> children(int pid) {
        return Stream.of(read("/proc/" + pid + "/task/" + pid + "/children").trim().split(" "))
                .filter(text -> !text.isEmpty())
                .map(Integer::parseInt)
                .toList();
    }

    /** Where cgroup hierarchies with a use are mounted, of either version. */
    public static List<Path> cgroupMounts() {
        return read("/proc/self/mountinfo")
                .lines()
                .filter(line -> line.contains(" - cgroup"))
                .map(line -> Path.of(line.split(" ")[4]))
                .toList();
    }

    /** The group of a process on a v1 hierarchy, or on cgroup2 where that has the controller. */
    public static Path group(int pid, String controller) {
        String v1 = null;
        String unified = null;
        for (String line : read("/proc/" + pid + "/cgroup").lines().toList()) {
            String[] parts = line.split(":", 3);
            if (List.of(parts[1].split(",")).contains(controller)) {
                v1 = parts[2];
            } else if (parts[1].isEmpty()) {
                unified = parts[2];
            }
        }
        if (v1 == null) {
            return cgroup2().resolve("." + unified);
        }
        String path = v1;
        return read("/proc/self/mountinfo")
                .lines()
                .filter(line -> line.contains(" - cgroup "))
                .filter(
                        line ->
                                List.of(line.substring(line.lastIndexOf(' ') + 1).split(","))
                                        .contains(controller))
                .map(line -> Path.of(line.split(" ")[4]).resolve("." + path))
                .findFirst()
                .orElseThrow();
    }

    /** Where the cgroup2 is mounted. */
    public static Path cgroup2() {
        return read("/proc/self/mountinfo")
                .lines()
                .filter(line -> line.contains(" - cgroup2 "))
                .map(line -> Path.of(line.split(" ")[4]))
                .findFirst()
                .orElseThrow();
    }

    /** The program with the probes that run inside, at a place that sandboxes see. */
    public static synchronized String probe() {
        return installed("probe");
    }

    /** The program that tries doors from inside. */
    public static synchronized String doors() {
        return installed("doors");
    }

    private static String installed(String name) {
        Path to =
                Path.of(
                        "/usr/local/bin/seahaven-test-"
                                + ProcessHandle.current().pid()
                                + "-"
                                + name);
        if (!Files.exists(to)) {
            try {
                Files.copy(Path.of("target/launcher-test/" + name), to);
                Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(to)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return to.toString();
    }

    /**
     * A root of its own, out of reach of other users, with a program of the tests that stays until
     * it is killed: {@code /bin/sleep stubborn}.
     */
    public static Path ownRoot() throws IOException {
        Path root = Files.createTempDirectory(Path.of("/var/lib"), "seahaven-test-root");
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
        for (String directory : List.of("bin", "dev", "proc", "sys", "run")) {
            Files.createDirectory(root.resolve(directory));
        }
        Files.copy(Path.of("target/launcher-test/probe"), root.resolve("bin/sleep"));
        return root;
    }

    public static void delete(Path path) {
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> all = Files.walk(path)) {
            for (Path entry : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(entry);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A root of its own for sandboxes, in which the static program of {@link #doors} lies. */
    public static Path rootWithDoors() throws IOException {
        Path root = Files.createTempDirectory(Path.of("/var/lib"), "seahaven-test-doors");
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
        for (String directory : List.of("bin", "dev", "proc", "sys", "tmp", "root")) {
            Files.createDirectory(root.resolve(directory));
        }
        Files.copy(Path.of("target/launcher-test/doors"), root.resolve("bin/doors"));
        return root;
    }
}

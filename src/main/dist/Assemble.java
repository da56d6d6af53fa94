import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * Makes of the jars a directory that runs on a host without a JDK: a trimmed runtime, and an AOT
 * cache (JEP 514) from a daemon that was started from it and has served each kind of request. Run
 * by Maven on the toolchain's JDK: {@code java Assemble.java DIST JAR SCRIPT TIMESTAMP LAUNCHER
 * OPTIONS}.
 */
final class Assemble {

    /**
     * What Spring, Tomcat, Jackson, JNA and the daemon need; java.desktop is there for java.beans.
     */
    private static final String MODULES =
            "java.base,java.desktop,java.instrument,java.logging,java.management,java.naming,java.security.jgss,"
                + "java.sql,java.xml,jdk.jfr,jdk.management,jdk.unsupported";

    private static final String RUN = "{\"command\":[\"/bin/true\"]}";

    private final Path dist;
    private final List<String> options;
    private final Path scratch;

    private Assemble(Path dist, List<String> options) throws IOException {
        this.dist = dist;
        this.options = options;
        this.scratch = Files.createTempDirectory("seahaven-training");
    }

    public static void main(String[] arguments) throws Exception {
        Path dist = Path.of(arguments[0]);
        FileTime time = FileTime.from(Instant.parse(arguments[3]));
        Assemble assemble = new Assemble(dist, List.of(arguments[5].split(" ")));
        Files.copy(
                Path.of(arguments[1]),
                dist.resolve("seahaven.jar"),
                StandardCopyOption.REPLACE_EXISTING);
        assemble.script(Path.of(arguments[2]));
        assemble.init(Path.of(arguments[4]));
        assemble.runtime();
        try {
            assemble.resolveBeans(arguments[3]);
            // The cache holds size and time of each jar: the package gives all files this time too.
            assemble.setTimes(time);
            assemble.train();
        } finally {
            delete(assemble.scratch);
        }
        assemble.setTimes(time);
    }

    /** What Spring would find out at each start is found out once, and put beside our classes. */
    private void resolveBeans(String timestamp) throws Exception {
        Path jar = dist.resolve("seahaven.jar");
        Path sources = scratch.resolve("sources");
        Path resources = Files.createDirectories(scratch.resolve("resources"));
        Path classes = Files.createDirectories(scratch.resolve("classes"));
        Process processor =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-cp",
                                jar.toString(),
                                "org.springframework.boot.SpringApplicationAotProcessor",
                                "dev.seahaven.daemon.Seahaven",
                                sources.toString(),
                                resources.toString(),
                                classes.toString(),
                                "dev.seahaven",
                                "seahaven")
                        .inheritIO()
                        .start();
        if (processor.waitFor() != 0) {
            throw new IOException("Spring could not resolve the beans");
        }
        List<String> javac =
                new ArrayList<>(
                        List.of(
                                "-nowarn",
                                "-proc:none",
                                "-cp",
                                jar.toString(),
                                "-d",
                                classes.toString()));
        try (Stream<Path> files = Files.walk(sources)) {
            files.map(Path::toString)
                    .filter(each -> each.endsWith(".java"))
                    .sorted()
                    .forEach(javac::add);
        }
        tool("javac", javac);
        tool(
                "jar",
                List.of(
                        "--update",
                        "--file=" + jar,
                        "--date=" + timestamp,
                        "-C",
                        classes.toString(),
                        ".",
                        "-C",
                        resources.toString(),
                        "."));
    }

    private static void tool(String name, List<String> arguments) throws IOException {
        ToolProvider tool =
                ToolProvider.findFirst(name)
                        .orElseThrow(
                                () ->
                                        new IOException(
                                                "this JDK has no "
                                                        + name
                                                        + "; install a whole one"));
        if (tool.run(System.out, System.err, arguments.toArray(String[]::new)) != 0) {
            throw new IOException(name + " failed");
        }
    }

    private void script(Path from) throws IOException {
        Path script = Files.createDirectories(dist.resolve("bin")).resolve("seahaven");
        Files.writeString(
                script, Files.readString(from).replace("@JVM_OPTIONS@", String.join(" ", options)));
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** Pid 1 of the container image. */
    private void init(Path built) throws IOException {
        String architecture = System.getProperty("os.arch").equals("amd64") ? "x86_64" : "aarch64";
        Files.copy(
                built.resolve(architecture).resolve("seahaven-init"),
                dist.resolve("bin/seahaven-init"),
                StandardCopyOption.REPLACE_EXISTING);
    }

    private void runtime() throws IOException {
        Path runtime = dist.resolve("runtime");
        if (Files.exists(runtime)) {
            if (Files.readString(runtime.resolve("release"))
                    .contains(System.getProperty("java.vm.version"))) {
                return;
            }
            delete(runtime);
        }
        tool(
                "jlink",
                List.of(
                        "--add-modules",
                        MODULES,
                        "--no-header-files",
                        "--no-man-pages",
                        "--strip-debug",
                        "--output",
                        runtime.toString()));
        Files.writeString(
                runtime.resolve("release"),
                "SEAHAVEN_BUILT_WITH=\"" + System.getProperty("java.vm.version") + "\"\n",
                java.nio.file.StandardOpenOption.APPEND);
    }

    private void setTimes(FileTime time) throws IOException {
        try (Stream<Path> files = Files.walk(dist)) {
            for (Path file : files.filter(each -> !Files.isSymbolicLink(each)).toList()) {
                Files.setLastModifiedTime(file, time);
            }
        }
    }

    // ---------------------------------------------------------------- the cache

    private void train() throws Exception {
        Path cache = dist.resolve("seahaven.aot");
        Files.deleteIfExists(cache);
        List<String> command = new ArrayList<>();
        command.add(dist.resolve("runtime/bin/java").toString());
        command.add("-XX:AOTCacheOutput=" + cache);
        command.addAll(options);
        command.addAll(
                List.of(
                        "-jar",
                        dist.resolve("seahaven.jar").toString(),
                        "--seahaven.run-directory=" + scratch.resolve("run"),
                        "--seahaven.state-directory=" + scratch.resolve("state"),
                        "--seahaven.cgroup=seahaven-training",
                        "--server.port=0"));
        Path log = scratch.resolve("log");
        Process daemon =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        try {
            Path socket = scratch.resolve("run/seahaven.sock");
            for (int i = 0; i < 600 && !Files.exists(socket) && daemon.isAlive(); i++) {
                Thread.sleep(100);
            }
            serve(socket);
        } catch (IOException e) {
            throw new IOException("the daemon does not serve:\n" + Files.readString(log), e);
        } finally {
            daemon.destroy();
        }
        if (!daemon.waitFor(5, TimeUnit.MINUTES) || !Files.exists(cache)) {
            daemon.destroyForcibly();
            throw new IOException("no AOT cache was made:\n" + Files.readString(log));
        }
    }

    private static void serve(Path socket) throws IOException {
        for (int i = 0; i < 60; i++) {
            request(socket, "POST", "/runs", RUN);
        }
        for (int i = 0; i < 5; i++) {
            request(
                    socket,
                    "POST",
                    "/sandboxes",
                    "{\"name\":\"training\",\"command\":[\"/bin/sleep\",\"60\"]}");
            for (String path : List.of("", "/stats", "/audit", "/logs")) {
                request(socket, "GET", "/sandboxes/training" + path, "");
            }
            request(socket, "DELETE", "/sandboxes/training?force=true", "");
            for (String path :
                    List.of(
                            "/sandboxes",
                            "/namespaces",
                            "/namespaces/graph",
                            "/processes",
                            "/processes/1",
                            "/system",
                            "/actuator/health/watchdog",
                            "/actuator/prometheus",
                            "/v3/api-docs",
                            "/nowhere")) {
                request(socket, "GET", path, "");
            }
        }
    }

    private static void request(Path socket, String method, String path, String body)
            throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            String text =
                    method
                            + " "
                            + path
                            + " HTTP/1.1\r\n"
                            + "Host: localhost\r\n"
                            + "Connection: close\r\n"
                            + "Content-Type: application/json\r\n"
                            + "Content-Length: "
                            + body.length()
                            + "\r\n\r\n"
                            + body;
            channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
            byte[] answer = Channels.newInputStream(channel).readAllBytes();
            String status =
                    new String(answer, 0, Math.min(12, answer.length), StandardCharsets.US_ASCII);
            if (!status.startsWith("HTTP/1.1 2") && !path.equals("/nowhere")) {
                throw new IOException(
                        method + " " + path + ": " + new String(answer, StandardCharsets.UTF_8));
            }
        }
    }

    private static void delete(Path tree) throws IOException {
        try (Stream<Path> files = Files.walk(tree)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(
                            each -> {
                                try {
                                    Files.delete(each);
                                } catch (IOException e) {
                                    throw new UncheckedIOException(e);
                                }
                            });
        }
    }
}

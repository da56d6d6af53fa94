import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * Makes of the jars a directory that runs on a host without a JDK: a trimmed runtime, and an AOT
 * cache (JEP 483) of the classes in {@code classes.lst}. The same sources give the same bytes. Run
 * by Maven on the toolchain's JDK: {@code java Assemble.java DIST JAR SOURCES TIMESTAMP LAUNCHER
 * OPTIONS LEARN}. Where LEARN is {@code true}, the list is written anew by a daemon that is started
 * and asked for each kind of answer, which needs root.
 */
final class Assemble {

    /**
     * What Spring, Tomcat, Jackson, JNA and the daemon need; java.desktop is there for java.beans.
     */
    private static final String MODULES =
            "java.base,java.desktop,java.instrument,java.logging,java.management,java.naming,java.security.jgss,"
                + "java.sql,java.xml,jdk.jfr,jdk.management,jdk.unsupported";

    private static final Path SAME_PLACE = Path.of("/tmp/seahaven-distribution");

    /** Of the bill itself: its metadata has another, further in. */
    private static final String COMPONENTS = "\n  \"components\" : [";

    private static final String CLASSES = "classes.lst";
    private static final String RUN = "{\"command\":[\"/bin/true\"]}";

    private final Path dist;
    private final Path sources;
    private final List<String> options;
    private final Path scratch;

    private Assemble(Path dist, Path sources, List<String> options) throws IOException {
        this.dist = dist;
        this.sources = sources;
        this.options = options;
        this.scratch = Files.createTempDirectory("seahaven-distribution");
    }

    public static void main(String[] arguments) throws Exception {
        Path dist = Path.of(arguments[0]);
        FileTime time = FileTime.from(Instant.parse(arguments[3]));
        Assemble assemble =
                new Assemble(dist, Path.of(arguments[2]), List.of(arguments[5].split(" ")));
        try {
            Files.copy(
                    Path.of(arguments[1]),
                    dist.resolve("seahaven.jar"),
                    StandardCopyOption.REPLACE_EXISTING);
            assemble.script();
            assemble.init(Path.of(arguments[4]));
            assemble.runtime();
            assemble.billOfMaterials();
            assemble.resolveBeans(arguments[3]);
            // The cache holds size and time of each jar: the package gives all files this time too.
            assemble.setTimes(time);
            if (Boolean.parseBoolean(arguments[6])) {
                assemble.learn();
            }
            assemble.cache();
        } finally {
            delete(assemble.scratch);
        }
        assemble.setTimes(time);
    }

    /** What Spring would find out at each start is found out once, and put beside our classes. */
    private void resolveBeans(String timestamp) throws Exception {
        Path jar = dist.resolve("seahaven.jar");
        Path generated = scratch.resolve("sources");
        Path resources = Files.createDirectories(scratch.resolve("resources"));
        Path classes = Files.createDirectories(scratch.resolve("classes"));
        runInStillTime(
                scratch,
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        jar.toString(),
                        "org.springframework.boot.SpringApplicationAotProcessor",
                        "dev.seahaven.daemon.Seahaven",
                        generated.toString(),
                        resources.toString(),
                        classes.toString(),
                        "dev.seahaven",
                        "seahaven"));
        List<String> javac =
                new ArrayList<>(
                        List.of(
                                "-nowarn",
                                "-proc:none",
                                "-cp",
                                jar.toString(),
                                "-d",
                                classes.toString()));
        try (Stream<Path> files = Files.walk(generated)) {
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

    private void script() throws IOException {
        String version;
        try (JarFile jar = new JarFile(dist.resolve("seahaven.jar").toFile())) {
            version = jar.getManifest().getMainAttributes().getValue("Implementation-Version");
        }
        Path script = Files.createDirectories(dist.resolve("bin")).resolve("seahaven");
        Files.writeString(
                script,
                Files.readString(sources.resolve("seahaven"))
                        .replace("@VERSION@", version)
                        .replace("@JVM_OPTIONS@", String.join(" ", options)));
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

    /**
     * Debug attributes go in Java alone: native libraries would depend on which tools are there.
     */
    private void runtime() throws Exception {
        Path runtime = dist.resolve("runtime");
        if (Files.exists(runtime)) {
            delete(runtime);
        }
        runInStillTime(
                dist,
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "jlink").toString(),
                        "--add-modules",
                        MODULES,
                        "--no-header-files",
                        "--no-man-pages",
                        "--strip-java-debug-attributes",
                        "--output",
                        runtime.toString()));
    }

    /**
     * The jars' bill (CycloneDX), and what Maven does not know of: the JDK that the runtime is cut
     * from, and the C library in the launcher, which is linked statically.
     */
    private void billOfMaterials() throws Exception {
        StringBuilder more = new StringBuilder();
        more.append(
                component(
                        "platform",
                        "openjdk",
                        System.getProperty("java.version"),
                        System.getProperty("java.vendor"),
                        "cpe:2.3:a:oracle:openjdk:%s:*:*:*:*:*:*:*"));
        String glibc = glibc();
        if (!glibc.isEmpty()) {
            more.append(
                    component(
                            "library",
                            "glibc",
                            glibc,
                            "GNU",
                            "cpe:2.3:a:gnu:glibc:%s:*:*:*:*:*:*:*"));
        }
        try (FileSystem jar = FileSystems.newFileSystem(dist.resolve("seahaven.jar"))) {
            String jars = Files.readString(jar.getPath("META-INF/sbom/application.cdx.json"));
            String all = jars.replace(COMPONENTS, COMPONENTS + more);
            if (all.equals(jars)) {
                throw new IOException("the bill of materials has no components of its own");
            }
            Files.writeString(dist.resolve("sbom.cdx.json"), all);
        }
    }

    private static String component(
            String type, String name, String version, String supplier, String cpe) {
        String reference = "pkg:generic/" + name + "@" + version;
        String text =
                """
                {
                  "type" : "%s",
                  "bom-ref" : "%s",
                  "supplier" : { "name" : "%s" },
                  "name" : "%s",
                  "version" : "%s",
                  "cpe" : "%s",
                  "purl" : "%s"
                },
                """;
        return "\n"
                + text.formatted(
                                type,
                                reference,
                                supplier,
                                name,
                                version,
                                cpe.formatted(version),
                                reference)
                        .indent(4)
                        .stripTrailing();
    }

    /** Its version; empty for another C library, of which none says at compile time what it is. */
    private String glibc() throws Exception {
        Path source = scratch.resolve("version.c");
        Files.writeString(source, "#include <features.h>\n__GLIBC__ . __GLIBC_MINOR__\n");
        String expanded =
                run(new ProcessBuilder(compiler(), "-E", "-P", source.toString()))
                        .replaceAll("\\s", "");
        return expanded.matches("[0-9]+\\.[0-9]+") ? expanded : "";
    }

    private static String compiler() {
        return System.getenv().getOrDefault("CC", "cc");
    }

    /**
     * Runs a program for which no time passes: the JDK takes the order of its sets from that clock,
     * and soft references, of which the cache has some, bear it.
     */
    private void runInStillTime(Path directory, List<String> command) throws Exception {
        Path clock = scratch.resolve("clock.so");
        if (!Files.exists(clock)) {
            run(
                    new ProcessBuilder(
                            compiler(),
                            "-O2",
                            "-shared",
                            "-fPIC",
                            "-o",
                            clock.toString(),
                            sources.resolve("clock.c").toString()));
        }
        ProcessBuilder still = new ProcessBuilder(command).directory(directory.toFile());
        still.environment().put("LD_PRELOAD", clock.toString());
        run(still);
    }

    private static String run(ProcessBuilder builder) throws Exception {
        Process process = builder.redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", builder.command()) + ":\n" + said);
        }
        return said;
    }

    private void setTimes(FileTime time) throws IOException {
        try (Stream<Path> files = Files.walk(dist)) {
            for (Path file : files.filter(each -> !Files.isSymbolicLink(each)).toList()) {
                Files.setLastModifiedTime(file, time);
            }
        }
    }

    // ---------------------------------------------------------------- the cache

    /**
     * From a list, and not from what a run has loaded just now, which is never twice the same. The
     * cache holds the path of each jar, and finds them by the part that all have in common: so they
     * are given under a name that is the same for every build, one build after the other.
     */
    private void cache() throws Exception {
        Path cache = dist.resolve("seahaven.aot");
        Files.deleteIfExists(cache);
        List<String> command = new ArrayList<>();
        command.add(dist.resolve("runtime/bin/java").toString());
        command.add("-Xshare:dump");
        command.add("-XX:+AOTClassLinking");
        command.add("-XX:SharedClassListFile=" + sources.resolve(CLASSES));
        command.add("-XX:SharedArchiveFile=" + cache);
        command.add("-Xlog:all=error");
        command.addAll(options);
        command.addAll(List.of("-cp", SAME_PLACE.resolve("seahaven.jar").toString()));
        try (FileChannel lock =
                        FileChannel.open(
                                Path.of(SAME_PLACE + ".lock"),
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE);
                FileLock held = lock.lock()) {
            Files.deleteIfExists(SAME_PLACE); // of a build that was killed
            Files.createSymbolicLink(SAME_PLACE, dist);
            try {
                runInStillTime(dist, command);
            } finally {
                Files.delete(SAME_PLACE);
            }
        }
    }

    // ---------------------------------------------------------------- the list of classes

    private void learn() throws Exception {
        Path list = scratch.resolve(CLASSES);
        List<String> command = new ArrayList<>();
        command.add(dist.resolve("runtime/bin/java").toString());
        command.add("-XX:DumpLoadedClassList=" + list);
        command.addAll(options);
        command.addAll(
                List.of(
                        "-jar",
                        dist.resolve("seahaven.jar").toString(),
                        "--seahaven.run-directory=" + scratch.resolve("run"),
                        "--seahaven.state-directory=" + scratch.resolve("state"),
                        "--seahaven.cgroup=seahaven-learning",
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
        if (!daemon.waitFor(1, TimeUnit.MINUTES)) {
            daemon.destroyForcibly();
            throw new IOException("the daemon does not end:\n" + Files.readString(log));
        }
        // A class that a loader of its own took from a jar is told with the jar's path on this
        // machine.
        Files.write(
                sources.resolve(CLASSES),
                Files.readAllLines(list).stream()
                        .filter(line -> !line.startsWith("#") && !line.contains(" source: "))
                        .toList());
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

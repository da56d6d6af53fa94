import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.jar.JarFile;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * Makes of the jars a directory that runs on a host without a JDK: a trimmed runtime, and an AOT
 * cache of classes (JEP 514). Run by Maven on the toolchain's JDK: {@code java Assemble.java DIST
 * JAR SOURCES TIMESTAMP LAUNCHER OPTIONS}.
 */
final class Assemble {

    /**
     * What Spring, Tomcat, Jackson, JNA and the daemon need; java.desktop is there for java.beans.
     */
    private static final String MODULES =
            "java.base,java.desktop,java.instrument,java.logging,java.management,java.naming,java.security.jgss,"
                + "java.sql,java.xml,jdk.jfr,jdk.management,jdk.unsupported";

    /** Of the bill itself: its metadata has another, further in. */
    private static final String COMPONENTS = "\n  \"components\" : [";

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
        run(
                new ProcessBuilder(
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
        run(
                new ProcessBuilder(
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

    /**
     * From a run of the daemon that ends when its beans are made, before it asks anything of the
     * host: it needs no root, and nine of ten classes of a start and a first request are loaded by
     * then.
     */
    private void cache() throws Exception {
        Path cache = dist.resolve("seahaven.aot");
        Files.deleteIfExists(cache);
        List<String> command = new ArrayList<>();
        command.add(dist.resolve("runtime/bin/java").toString());
        command.add("-XX:AOTCacheOutput=" + cache);
        command.add("-Xlog:all=error");
        command.addAll(options);
        command.addAll(
                List.of(
                        "-Dspring.context.exit=onRefresh",
                        "-jar",
                        dist.resolve("seahaven.jar").toString(),
                        "--seahaven.run-directory=" + scratch.resolve("run"),
                        "--seahaven.state-directory=" + scratch.resolve("state"),
                        "--server.port=0"));
        run(new ProcessBuilder(command).directory(scratch.toFile()));
        if (!Files.exists(cache)) {
            throw new IOException("the JVM has made no cache of its classes");
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

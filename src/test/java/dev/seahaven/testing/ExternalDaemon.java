package dev.seahaven.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A daemon in a process of its own, that can be killed. */
public final class ExternalDaemon implements AutoCloseable {

    static {
        checkPackage();
    }

    private final Process process;
    private final TestDaemon.Places places;
    private final int port;

    private ExternalDaemon(Process process, TestDaemon.Places places, int port) {
        this.process = process;
        this.places = places;
        this.port = port;
    }

    /**
     * Starts the packaged one and waits until it serves. It compiles less than it would, for it
     * does not live long.
     *
     * @param options more of the JVM's
     */
    public static ExternalDaemon start(TestDaemon.Places places, String... options) {
        return startPackaged(places, true, "-XX:TieredStopAtLevel=1 " + String.join(" ", options));
    }

    /**
     * Starts a main class of the tests with the classes of the packaged one. A cache takes what is
     * added to its class path from the same directory, by name.
     */
    public static ExternalDaemon start(TestDaemon.Places places, Class<?> main, String... options) {
        return start(
                places,
                "-cp target/dist/seahaven.jar:target/dist/../test-classes "
                        + String.join(" ", options)
                        + " "
                        + main.getName());
    }

    /**
     * Starts the packaged one as its users do.
     *
     * @param cached whether it is to use its cache, and to end at once if that cannot be used
     * @param options more of the JVM's
     */
    public static ExternalDaemon startPackaged(
            TestDaemon.Places places, boolean cached, String... options) {
        ProcessBuilder builder = new ProcessBuilder("target/dist/bin/seahaven");
        builder.environment()
                .put(
                        "SEAHAVEN_JAVA_OPTIONS",
                        "-XX:AOTMode=" + (cached ? "on " : "off ") + String.join(" ", options));
        return start(places, freePort(), builder, "--logging.level.dev.seahaven=info");
    }

    /** A daemon in the locale C, as most service managers start it. */
    public static ExternalDaemon startWithoutLocale(TestDaemon.Places places) {
        ProcessBuilder builder = new ProcessBuilder("target/dist/bin/seahaven");
        builder.environment().keySet().removeIf(name -> name.startsWith("LC_"));
        builder.environment().remove("LANG");
        builder.environment().put("LC_ALL", "C");
        return start(places, freePort(), builder);
    }

    /** A daemon that begins with what a shell has set before. */
    public static ExternalDaemon startAfter(TestDaemon.Places places, String shell) {
        String script = shell + "; exec target/dist/bin/seahaven \"$@\"";
        return start(places, freePort(), new ProcessBuilder("bash", "-c", script, "bash"));
    }

    /** A daemon on a host that has no names for users, as in a small image. */
    public static ExternalDaemon startWithoutUsers(TestDaemon.Places places) {
        ProcessBuilder builder =
                new ProcessBuilder(
                        "unshare",
                        "--mount",
                        "sh",
                        "-c",
                        "mount --bind /dev/null /etc/passwd && exec target/dist/bin/seahaven"
                                + " \"$@\"",
                        "sh");
        return start(places, freePort(), builder);
    }

    private static ExternalDaemon start(
            TestDaemon.Places places, int port, ProcessBuilder builder, String... more) {
        builder.command().addAll(places.arguments(port));
        builder.command().addAll(List.of(more));
        try {
            Process process =
                    builder.redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.appendTo(log(places).toFile()))
                            .start();
            ExternalDaemon daemon = new ExternalDaemon(process, places, port);
            daemon.awaitReady();
            return daemon;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** With {@code -Ddist.skip=true} it may be older than the classes. */
    private static void checkPackage() {
        Path classes = Path.of("target/classes");
        try (FileSystem jar = FileSystems.newFileSystem(Path.of("target/dist/seahaven.jar"));
                Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path packaged = jar.getPath(classes.relativize(file).toString());
                assertThat(Files.exists(packaged) && Files.mismatch(file, packaged) < 0)
                        .as("%s is in target/dist: ./mvnw package makes it anew", file)
                        .isTrue();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path log(TestDaemon.Places places) {
        return Path.of("target", places.cgroup() + ".log");
    }

    /** What it wrote. */
    public String log() {
        return Outside.read(log(places).toString());
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void awaitReady() {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(40);
        while (System.nanoTime() < end && process.isAlive()) {
            try {
                if (api().get("/actuator/health").status() == 200) {
                    return;
                }
            } catch (UncheckedIOException e) {
                pause();
            }
        }
        throw new IllegalStateException("no daemon; see target/" + places.cgroup() + ".log");
    }

    private static void pause() {
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public Api api() {
        return places.api(port);
    }

    public long pid() {
        return process.pid();
    }

    /** SIGKILL. */
    public void kill() {
        process.destroyForcibly();
        awaitEnd();
    }

    public void awaitEnd() {
        try {
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** SIGTERM. */
    @Override
    public void close() {
        process.destroy();
        awaitEnd();
    }
}

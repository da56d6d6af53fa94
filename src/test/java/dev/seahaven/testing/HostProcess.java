package dev.seahaven.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program that a test runs on the host, beside the daemon; it ends with the test. */
public final class HostProcess implements AutoCloseable {

    private static final Duration START = Duration.ofSeconds(10);

    private final Process process;

    private HostProcess(Process process) {
        this.process = process;
    }

    public static HostProcess start(String... command) {
        try {
            return new HostProcess(
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A process that a shell starts; returns when it, or what it executes, is named {@code sleep}.
     */
    public static HostProcess sleeping(String script) {
        HostProcess started = start("bash", "-c", script);
        started.awaitCommand("sleep");
        return started;
    }

    public HostProcess awaitCommand(String command) {
        await().atMost(START)
                .pollInterval(Duration.ofMillis(5))
                .untilAsserted(
                        () ->
                                assertThat(Outside.read("/proc/" + pid() + "/comm").trim())
                                        .isEqualTo(command));
        return this;
    }

    public int pid() {
        return (int) process.pid();
    }

    /** The number of its namespace of a type. */
    public long namespace(String type) {
        return number(Outside.namespace(pid(), type));
    }

    /** The number in a link such as {@code net:[4026531840]}. */
    public static long number(String link) {
        return Long.parseLong(link.substring(link.indexOf('[') + 1, link.length() - 1));
    }

    @Override
    public void close() {
        end();
    }

    /** Kills it and all that it has started. */
    public void end() {
        List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
        all.add(process.toHandle());
        all.forEach(ProcessHandle::destroyForcibly);
        try {
            assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/** What no limit counts and guards keep: memory of the kernel, and open files. */
@ExtendWith(NothingLeft.class)
class GuardIT {

    private static final long MIB = 1 << 20;
    private static Path root;
    private final Api api = TestDaemon.shared().api();

    /** Its program is static: what it maps is what it means to map. */
    @BeforeAll
    static void makeRoot() throws IOException {
        root = Outside.rootWithDoors();
    }

    @AfterAll
    static void removeRoot() {
        Outside.delete(root);
    }

    /** What neither programs have nor files in memory. */
    private static long kernelBytes() {
        long kilobytes = 0;
        for (String line : Outside.read("/proc/meminfo").lines().toList()) {
            String[] words = line.split("[: ]+");
            kilobytes +=
                    switch (words[0]) {
                        case "MemTotal" -> Long.parseLong(words[1]);
                        case "MemFree", "Buffers", "Cached", "AnonPages", "SReclaimable" ->
                                -Long.parseLong(words[1]);
                        default -> 0;
                    };
        }
        return kilobytes << 10;
    }

    private static long openFiles() {
        return Long.parseLong(Outside.read("/proc/sys/fs/file-nr").split("\t")[0]);
    }

    private record Met(JsonNode exit, long most) {}

    /** Runs a bomb, and tells the most that a number of the host has grown meanwhile. */
    private Met meet(String path, String command, LongSupplier number) throws Exception {
        long before = number.getAsLong();
        long most = 0;
        CompletableFuture<JsonNode> bomb =
                CompletableFuture.supplyAsync(
                        () ->
                                api.post(
                                                path,
                                                "{\"command\":["
                                                        + command
                                                        + "],\"rootfs\":{\"path\":\""
                                                        + root
                                                        + "\"},\"timeoutSeconds\":60,"
                                                        + "\"limits\":{\"memoryBytes\":134217728}}")
                                        .json());
        while (!bomb.isDone()) {
            most = Math.max(most, number.getAsLong() - before);
            Thread.sleep(2);
        }
        return new Met(bomb.join(), most);
    }

    @ParameterizedTest
    @CsvSource({"bomb-netlink, ''", "bomb-locks, ''", "bomb-locks, stay"})
    void memoryOfTheKernelThatNoGroupCountsIsBounded(String bomb, String with) throws Exception {
        String command = "\"/bin/doors\",\"" + bomb + "\",\"" + with + "\"";
        Met met = meet("/runs", command, GuardIT::kernelBytes);
        assertThat(met.exit().at("/exit/reason").asString())
                .as(met.toString())
                .isEqualTo("kernel-memory-limit");
        assertThat(met.most()).as("at any moment").isLessThan((128 + 256) * MIB);
    }

    @ParameterizedTest
    @CsvSource({"bomb-files", "bomb-mappings"})
    void openFilesOfAllProcessesTogetherAreBounded(String bomb) throws Exception {
        Met met = meet("/runs", "\"/bin/doors\",\"" + bomb + "\"", GuardIT::openFiles);
        assertThat(met.exit().at("/exit/reason").asString())
                .as(met.toString())
                .isEqualTo("kernel-memory-limit");
        assertThat(met.most()).as("at any moment").isLessThan(40_000);
    }

    /** What is inherited is no file of its own, however many processes have it. */
    @Test
    void manyProcessesWithTheSameFilesAreLeftAlone() {
        String script =
                "use POSIX; my @f; for (1..900) { open my $f, q(<), q(/dev/null) or last; push @f,"
                        + " $f } for (1..40) { fork or do { sleep 3; POSIX::_exit 0 } }"
                        + " 1 while wait > 0; print scalar @f";
        JsonNode exit =
                api.post("/runs", "{\"command\":[\"perl\",\"-e\"," + Api.quoted(script) + "]}")
                        .expect(200)
                        .json();
        assertThat(exit.at("/exit/reason").asString()).as(exit.toString()).isEqualTo("exited");
        assertThat(exit.path("stdout").asString()).isEqualTo("900");
    }

    @Test
    void aSandboxIsToldWhyItWasEnded() {
        String id =
                api.create(
                        "{\"command\":[\"/bin/doors\",\"bomb-netlink\"],\"rootfs\":{\"path\":\""
                                + root
                                + "\"}}");
        assertThat(
                        api.get("/sandboxes/" + id + "/wait")
                                .expect(200)
                                .json()
                                .path("reason")
                                .asString())
                .isEqualTo("kernel-memory-limit");
        api.destroy(id);
    }

    @Test
    void theHealthTellsOfTheGuards() {
        assertThat(
                        api.get("/actuator/health")
                                .expect(200)
                                .json()
                                .at("/components/guards/status")
                                .asString())
                .isEqualTo("UP");
    }
}

package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.HostProcess;
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
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Each door that is known is tried from inside of a default sandbox, and is shut; and with the
 * protection off, where it can be, the same program gets through.
 */
@ExtendWith(NothingLeft.class)
class DoorsIT {

    private static final String UNCONFINED = "\"security\":{\"seccomp\":\"unconfined\"}";
    private final Api api = TestDaemon.shared().api();
    private static Path root;

    /** An own root, for what the default root refuses; its programs are static. */
    @BeforeAll
    static void makeRoot() throws IOException {
        root = Files.createTempDirectory(Path.of("/var/lib"), "seahaven-test-doors");
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
        for (String directory : List.of("bin", "dev", "proc", "sys", "tmp", "root")) {
            Files.createDirectory(root.resolve(directory));
        }
        Files.copy(Path.of("target/launcher-test/doors"), root.resolve("bin/doors"));
    }

    @AfterAll
    static void removeRoot() {
        Outside.delete(root);
    }

    private String answer(String command, String members) {
        JsonNode result =
                api.post(
                                "/runs",
                                "{\"command\":["
                                        + command
                                        + "]"
                                        + (members.isEmpty() ? "" : "," + members)
                                        + "}")
                        .expect(200)
                        .json();
        assertThat(result.path("stderr").asString()).isEmpty();
        return result.path("stdout").asString().trim();
    }

    private String attempt(String door, String with, String members) {
        return answer("\"" + Outside.doors() + "\",\"" + door + "\",\"" + with + "\"", members);
    }

    @ParameterizedTest
    @CsvSource({
        "userns, EPERM",
        "unshare, EPERM",
        "clone3, ENOSYS",
        "keyctl, EPERM",
        "vsock, EAFNOSUPPORT",
        "vsock-high-bit, EAFNOSUPPORT",
        "alg, EAFNOSUPPORT",
        "io_uring, ENOSYS",
        "bpf, EPERM",
        "userfaultfd, EPERM",
        "handle, EPERM",
        "tiocsti, EPERM",
        "mount-cgroup, EPERM",
    })
    void systemCallsThatLedOutAreRefused(String door, String errno) {
        assertThat(attempt(door, "", "")).isEqualTo("refused " + errno);
    }

    @ParameterizedTest
    @CsvSource({"userns", "unshare", "keyctl", "vsock", "vsock-high-bit", "io_uring"})
    void withoutTheFilterTheSameProgramGetsThrough(String door) {
        assertThat(attempt(door, "", UNCONFINED)).isEqualTo("through");
    }

    @ParameterizedTest
    @CsvSource({
        "/proc/kpageflags",
        "/proc/kpagecount",
        "/proc/slabinfo",
        "/proc/kallsyms-is-not-one-of-them-but-this-is/../kcore",
        "/proc/keys",
        "/proc/timer_list",
        "/proc/1/mem",
        "/proc/1/environ",
        "/proc/1/exe",
        "/sys/firmware/acpi",
    })
    void theHostsSecretsCannotBeRead(String file) {
        String got = attempt("read", file, "");
        // A masked file can be opened, and is empty.
        if (got.equals("through")) {
            assertThat(api.shell("cat " + file + " | head -c 100")).isEmpty();
        } else {
            assertThat(got).startsWith("refused E");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/hostname",
        "/proc/sysrq-trigger",
        "/proc/1/oom_score_adj",
        "/sys/kernel/uevent_helper",
        "/sys/power/state",
        "/proc/self/exe",
        "/proc/1/exe",
    })
    void theHostsSettingsCannotBeWritten(String file) {
        String before = Outside.read("/proc/sys/kernel/core_pattern");
        assertThat(attempt("write", file, "")).startsWith("refused E");
        assertThat(Outside.read("/proc/sys/kernel/core_pattern")).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({"/proc", "/proc/sys", "/sys", "/dev", "/"})
    void nothingCanBeMountedOrTakenAwayAlsoWithoutTheFilter(String place) {
        assertThat(attempt("mount", place, "")).isEqualTo("refused EPERM");
        assertThat(attempt("mount", place, UNCONFINED)).isEqualTo("refused EPERM");
        assertThat(attempt("umount", place, UNCONFINED)).isEqualTo("refused EPERM");
    }

    @Test
    void aDeviceCannotBeMadeAndOneThatLiesInARootCannotBeOpened() {
        assertThat(attempt("mknod", "", "")).isEqualTo("refused EPERM");
        assertThat(
                        attempt(
                                "mknod",
                                "",
                                "\"security\":{\"seccomp\":\"unconfined\",\"capabilities\":{\"add\":[\"MKNOD\"]}}"))
                .isEqualTo("refused EPERM");
        Outside.run("mknod", "-m", "666", root.resolve("root/fuse").toString(), "c", "10", "229");
        String spec = "\"rootfs\":{\"path\":\"" + root + "\"}";
        assertThat(answer("\"/bin/doors\",\"read\",\"/root/fuse\"", spec))
                .isEqualTo("refused EACCES");
        // Also where inside root is the host's, and the device filter would let it through.
        String host =
                spec
                        + ",\"namespaces\":{\"user\":\"host\"},\"security\":{\"devices\":[\"/dev/fuse\"]}";
        assertThat(answer("\"/bin/doors\",\"read\",\"/root/fuse\"", host))
                .isEqualTo("refused EACCES");
    }

    @Test
    void theDeviceFilterHoldsAgainstTheHostsOwnRoot() throws Exception {
        String spec =
                "\"rootfs\":{\"path\":\""
                        + root
                        + "\"},\"namespaces\":{\"user\":\"host\"},\"security\":{\"capabilities\":{\"add\":[\"MKNOD\"]}%s}";
        assertThat(answer("\"/bin/doors\",\"mknod\",\"\"", spec.formatted("")))
                .isEqualTo("refused EPERM");
        assertThat(
                        answer(
                                "\"/bin/doors\",\"mknod\",\"\"",
                                spec.formatted(",\"devices\":[\"/dev/fuse\"]")))
                .isEqualTo("through");
        assertThat(
                        answer(
                                "\"/bin/doors\",\"read\",\"/dev/fuse\"",
                                spec.formatted(
                                        ",\"devices\":[{\"path\":\"/dev/fuse\",\"permissions\":\"w\"}]")))
                .isEqualTo("refused EPERM");
    }

    @Test
    void abstractSocketsOfTheHostAreOutOfReachOnTheHostsNetwork() throws Exception {
        String name = "seahaven-door-" + ProcessHandle.current().pid();
        Process listener = new ProcessBuilder(Outside.doors(), "listen", name).start();
        try {
            assertThat(listener.inputReader().readLine()).isEqualTo("ready");
            assertThat(Outside.run(Outside.doors(), "abstract", name).trim()).isEqualTo("through");
            assertThat(attempt("abstract", name, "\"network\":{\"mode\":\"host\"}"))
                    .isEqualTo("refused EPERM");
            assertThat(attempt("abstract", name, "")).isEqualTo("refused ECONNREFUSED");
        } finally {
            listener.destroyForcibly().waitFor();
        }
    }

    @Test
    void theKeyringIsNeitherTheDaemonsNorAnothers() {
        String one = attempt("keyring", "", UNCONFINED);
        assertThat(one).matches("\\d+");
        assertThat(one).isNotEqualTo(attempt("keyring", "", UNCONFINED));
        assertThat(one).isNotEqualTo(Outside.run(Outside.doors(), "keyring").trim());
    }

    @Test
    void aSwappedDeviceLeadsNowhere() {
        String before = Outside.read("/proc/sys/kernel/core_pattern");
        for (String device : List.of("null", "console", "ptmx")) {
            String got = attempt("swap-device", device, "");
            assertThat(got).isIn("refused EBUSY", "through"); // a link of its own, in its own /dev
        }
        assertThat(Outside.read("/proc/sys/kernel/core_pattern")).isEqualTo(before);
        assertThat(Path.of("/dev/null"))
                .satisfies(path -> assertThat(Files.isSymbolicLink(path)).isFalse());
        assertThat(api.shell("echo fine > /dev/null && echo well")).isEqualTo("well\n");
    }

    @Test
    void aRootWhoseKernelPlacesAreLinksIsRefused() throws Exception {
        for (String place : List.of("dev", "proc", "sys")) {
            Path trap = Files.createTempDirectory(Path.of("/var/lib"), "seahaven-test-trap");
            try {
                Files.setPosixFilePermissions(trap, PosixFilePermissions.fromString("rwx------"));
                Files.createDirectory(trap.resolve("bin"));
                Files.copy(Path.of("target/launcher-test/doors"), trap.resolve("bin/doors"));
                for (String each : List.of("dev", "proc", "sys", "elsewhere")) {
                    if (!each.equals(place)) {
                        Files.createDirectory(trap.resolve(each));
                    }
                }
                Files.createSymbolicLink(trap.resolve(place), Path.of("/elsewhere"));
                api.post(
                                "/runs",
                                "{\"command\":[\"/bin/doors\",\"tiocsti\"],\"rootfs\":{\"path\":\""
                                        + trap
                                        + "\"}}")
                        .expectViolation("rootfs.path");
            } finally {
                Outside.delete(trap);
            }
        }
    }

    /**
     * Whoever shares another's mounts finds on {@code /proc} what the other has put there: a place
     * where a sysctl or a label would be written to nothing (CVE-2019-16884).
     */
    @Test
    void aProcThatIsNoneIsNotWrittenTo() {
        String file = "net/ipv4/ip_unprivileged_port_start";
        String trap =
                api.create(
                        "{\"name\":\"trap\",\"command\":[\"/bin/sh\",\"-c\",\"mount -t tmpfs none"
                                + " /proc && mkdir -p /proc/sys/net/ipv4 && echo trap > /proc/sys/"
                                + file
                                + " && echo set; exec sleep 60\"],\"security\":{\"seccomp\":"
                                + "\"unconfined\",\"capabilities\":{\"add\":[\"SYS_ADMIN\"]}}}");
        await().until(() -> api.get("/sandboxes/trap/logs").text().equals("set\n"));
        String into =
                api.create(
                        "{\"command\":[\"sleep\",\"60\"],\"namespaces\":{\"mount\":\"sandbox:trap\"},"
                            + "\"security\":{\"sysctls\":{\"net.ipv4.ip_unprivileged_port_start\":\"77\"}}}");
        assertThat(Outside.read("/proc/" + api.pid(trap) + "/root/proc/sys/" + file))
                .isEqualTo("trap\n");
        assertThat(
                        Outside.run(
                                "nsenter",
                                "--target",
                                String.valueOf(api.pid(into)),
                                "--net",
                                "cat",
                                "/proc/sys/" + file))
                .isEqualTo("77\n");
        api.destroy(into);
        api.destroy(trap);
    }

    /** While roots are made, a directory of theirs turns into a link to the host's and back. */
    @Test
    void aLinkThatIsSwappedInWhileARootIsMadeLeadsNowhere() throws Exception {
        Path shared = Files.createTempDirectory(Path.of("/var/lib"), "seahaven-test-swap");
        Path canary = Files.createTempDirectory(Path.of("/var/lib"), "seahaven-test-canary");
        AtomicBoolean over = new AtomicBoolean();
        Thread swapper = new Thread(() -> swap(shared, canary, over));
        try {
            Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rwx------"));
            Files.setPosixFilePermissions(canary, PosixFilePermissions.fromString("rwxrwxrwx"));
            for (String directory : List.of("bin", "dev", "proc", "sys", "tmp")) {
                Files.createDirectory(shared.resolve(directory));
            }
            Files.copy(Path.of("target/launcher-test/doors"), shared.resolve("bin/doors"));
            Files.createSymbolicLink(shared.resolve("link"), canary);
            swapper.start();
            int made = 0;
            for (int i = 0; i < 150; i++) {
                Api.Answer answer =
                        api.post(
                                "/runs",
                                "{\"command\":[\"/bin/doors\",\"write\",\"/tmp/x\"],\"rootfs\":{\"path\":\""
                                        + shared
                                        + "\"}}");
                assertThat(answer.status()).as(answer.text()).isIn(200, 400);
                made += answer.status() == 200 ? 1 : 0;
            }
            assertThat(made).isBetween(1, 149);
            assertThat(canary).isEmptyDirectory();
            assertThat(Outside.read("/proc/self/mountinfo")).doesNotContain(canary.toString());
        } finally {
            over.set(true);
            swapper.join();
            Outside.delete(shared);
            Outside.delete(canary);
        }
    }

    private static void swap(Path root, Path canary, AtomicBoolean over) {
        try {
            while (!over.get()) {
                for (String place : List.of("proc", "dev", "tmp")) {
                    Files.move(root.resolve(place), root.resolve("aside"));
                    Files.createSymbolicLink(root.resolve(place), canary);
                    Files.delete(root.resolve(place));
                    Files.move(root.resolve("aside"), root.resolve(place));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The one that enters from outside is looked for by number, again and again, until it is there.
     */
    @Test
    void whoEntersCannotBeTraced() {
        String watcher =
                api.create(
                        "{\"command\":[\""
                                + Outside.doors()
                                + "\",\"watch\",\"sleep\"],\"security\":{\"seccomp\":\"unconfined\","
                                + "\"capabilities\":{\"add\":[\"SYS_PTRACE\"]}}}");
        await().until(() -> api.get("/sandboxes/" + watcher + "/logs").text().contains("watching"));
        int init = api.pid(watcher);
        for (int i = 0; i < 60; i++) {
            api.post(
                            "/namespaces/"
                                    + HostProcess.number(Outside.namespace(init, "pid"))
                                    + "/exec",
                            "{\"command\":[\"sleep\",\"0\"]}")
                    .expect(200);
            api.post(
                            "/runs",
                            "{\"command\":[\"sleep\",\"0\"],\"namespaces\":{\"pid\":\"sandbox:"
                                    + watcher
                                    + "\"}}")
                    .expect(200);
        }
        assertThat(api.get("/sandboxes/" + watcher + "/logs").text().lines().skip(1))
                .as("what it could trace before the program was executed")
                .isEmpty();
        api.destroy(watcher);
    }

    @Test
    void aDescriptorIsNoWorkingDirectory() {
        for (int fd = 0; fd < 10; fd++) {
            for (String path : List.of("/proc/self/fd/", "/proc/1/fd/")) {
                api.post(
                                "/runs",
                                "{\"command\":[\"pwd\"],\"workingDirectory\":\""
                                        + path
                                        + fd
                                        + "\"}")
                        .expectViolation("workingDirectory");
            }
        }
        api.post("/runs", "{\"command\":[\"pwd\"],\"workingDirectory\":\"/proc/1/cwd\"}")
                .expectViolation("workingDirectory");
    }

    @Test
    void whatASandboxWroteCannotBeRunByOthersOfTheHost() throws Exception {
        String id =
                api.create(
                        "{\"command\":[\"sh\",\"-c\",\"cp /bin/sh /var/tool; chmod 4755 /var/tool;"
                                + " sleep 60\"]}");
        try {
            Path kept = TestDaemon.shared().places().sandboxes().resolve(id);
            org.awaitility.Awaitility.await()
                    .untilAsserted(
                            () ->
                                    assertThat(
                                                    Outside.run(
                                                            "find",
                                                            kept.toString(),
                                                            "-name",
                                                            "tool",
                                                            "-perm",
                                                            "-4000"))
                                            .isNotEmpty());
            String file = Outside.run("find", kept.toString(), "-name", "tool").trim();
            Process other =
                    new ProcessBuilder(
                                    "setpriv",
                                    "--reuid=65534",
                                    "--clear-groups",
                                    "sh",
                                    "-c",
                                    file + " -c id")
                            .redirectErrorStream(true)
                            .start();
            assertThat(new String(other.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .contains("Permission denied");
            assertThat(other.waitFor()).isNotZero();
        } finally {
            api.destroy(id);
        }
    }
}

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
import org.junit.jupiter.params.provider.ValueSource;

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
        root = Outside.rootWithDoors();
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
        "aio, ENOSYS",
        "netlink-user, EPROTONOSUPPORT",
        "bpf, EPERM",
        "userfaultfd, EPERM",
        "handle, EPERM",
        "tiocsti, EPERM",
        "tioclinux, EPERM",
        "socket-filter, ENOPROTOOPT",
        "socket-filter-high-bit, ENOPROTOOPT",
        "reuseport-filter, ENOPROTOOPT",
        "socket-program, ENOPROTOOPT",
        "reuseport-program, ENOPROTOOPT",
        "seccomp-filter, EINVAL",
        "prctl-filter, EINVAL",
        "core-limit, EPERM",
        "mount-cgroup, EPERM",
    })
    void systemCallsThatLedOutAreRefused(String door, String errno) {
        assertThat(attempt(door, "", "")).isEqualTo("refused " + errno);
    }

    @Test
    void whatWaitsInSocketsIsLimitedAsMemoryIs() {
        String command = "\"" + Outside.doors() + "\",\"queue-tcp\"";
        String limits = "\"limits\":{\"memoryBytes\":33554432}";
        String queued = answer(command, limits); // on cgroup v2 the kernel kills for it
        assertThat(queued.isEmpty() ? 0 : Long.parseLong(queued)).as("MiB").isLessThan(64);
    }

    /** Sockets may hold a little more than their limit; that was told as memory in use. */
    @Test
    void fullSocketsKeepNoLimitOfMemoryFromChanging() {
        String id =
                api.create(
                        "{\"limits\":{\"memoryBytes\":33554432},\"command\":[\""
                                + Outside.doors()
                                + "\",\"queue-tcp\",\"stay\"]}");
        await().until(() -> !api.get("/sandboxes/" + id + "/logs").text().isEmpty());
        for (long memory : new long[] {64 << 20, 32 << 20, 1 << 30, 256 << 20}) {
            api.patch("/sandboxes/" + id, "{\"limits\":{\"memoryBytes\":" + memory + "}}")
                    .expect(200);
        }
        api.destroy(id);
    }

    @Test
    void mountsInsideTellNoPidOfTheHost() {
        String id = api.create("{\"command\":[\"sleep\",\"1000\"]}");
        String pid = Integer.toString(api.pid(id));
        String monitor = Outside.run("ps", "-o", "ppid=", "-p", pid).trim();
        assertThat(Outside.read("/proc/" + pid + "/mountinfo"))
                .containsPattern("upperdir=[^,]+/[0-9a-f]{16}[.]u/upper")
                .doesNotContain("/" + monitor + ".", "/" + monitor + "/");
        api.destroy(id);
    }

    @Test
    void terminalsOfOneSandboxEnd() {
        assertThat(answer("\"" + Outside.doors() + "\",\"take-terminals\"", "")).isEqualTo("128");
    }

    /** To open a FIFO or a device does something already; it was opened to look what it is. */
    @Test
    void whatStandsForTheAccountsOfARootIsNotOpened() throws Exception {
        Path accounts = Files.createDirectory(root.resolve("etc")).resolve("passwd");
        Outside.run("mkfifo", accounts.toString());
        Thread writer = Thread.ofPlatform().daemon().start(() -> write(accounts));
        await().until(() -> writer.getState() == Thread.State.RUNNABLE);
        try {
            for (int i = 0; i < 20; i++) {
                api.post(
                                "/runs",
                                "{\"command\":[\"/bin/doors\"],\"user\":\"nobody\","
                                        + "\"rootfs\":{\"path\":\""
                                        + root
                                        + "\"}}")
                        .expectViolation("user");
            }
            assertThat(writer.isAlive()).as("nobody has opened the other end").isTrue();
        } finally {
            assertThat(Outside.read(accounts.toString())).isEqualTo("x");
            writer.join();
            Outside.delete(root.resolve("etc"));
        }
    }

    private static void write(Path fifo) {
        try {
            Files.writeString(fifo, "x");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "socket-filter",
                "socket-filter-high-bit",
                "reuseport-filter",
                "socket-program",
                "reuseport-program",
                "seccomp-filter",
                "prctl-filter"
            })
    void filtersCanBeMadeWhereTheyAreAskedFor(String door) {
        assertThat(attempt(door, "", "\"security\":{\"seccomp\":\"nested-filters\"}"))
                .isEqualTo("through");
        assertThat(attempt("keyctl", "", "\"security\":{\"seccomp\":\"nested-filters\"}"))
                .isEqualTo("refused EPERM");
    }

    @ParameterizedTest
    @CsvSource({
        "userns, through",
        "unshare, through",
        "keyctl, through",
        "vsock, through",
        "vsock-high-bit, through",
        "io_uring, through",
        "core-limit, through",
        "tioclinux, refused ENOTTY", // it asks the driver
    })
    void withoutTheFilterTheSameProgramGetsThrough(String door, String answer) {
        assertThat(attempt(door, "", UNCONFINED)).isEqualTo(answer);
    }

    /** Also what the user namespace alone keeps shut, so that each of these is known to bite. */
    @ParameterizedTest
    @CsvSource({
        "mount, /tmp",
        "umount, /dev/shm",
        "mount-cgroup, ''",
        "handle, ''",
        "bpf, ''",
        "userfaultfd, ''",
        "tiocsti, ''",
        "read, /proc/kpageflags",
        "read, /proc/kpagecount",
        "read, /proc/slabinfo",
    })
    void withTheHostsRootAndNoFilterTheSameProgramGetsThrough(String door, String with) {
        String open =
                "\"rootfs\":{\"path\":\""
                        + root
                        + "\"},\"namespaces\":{\"user\":\"host\"},\"security\":{\"seccomp\":"
                        + "\"unconfined\",\"capabilities\":{\"add\":[\"SYS_ADMIN\",\"DAC_READ_SEARCH\",\"BPF\","
                        + "\"SYS_PTRACE\"]}}";
        assertThat(answer("\"/bin/doors\",\"" + door + "\",\"" + with + "\"", open))
                .isEqualTo("through");
    }

    @ParameterizedTest
    @CsvSource({
        "/proc/kpageflags",
        "/proc/kpagecount",
        "/proc/slabinfo",
        "/proc/kcore",
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
        // Allowed by the filter it can be made, and opened where it was bound, but not where it was
        // made.
        assertThat(
                        answer(
                                "\"/bin/doors\",\"mknod\",\"\"",
                                spec.formatted(",\"devices\":[\"/dev/fuse\"]")))
                .isEqualTo("refused EACCES");
        assertThat(
                        answer(
                                "\"/bin/doors\",\"read\",\"/dev/fuse\"",
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
            // It came by way of another sandbox, or by the number of the namespace, without scope.
            String sharer =
                    api.create(
                            """
                            {"command": ["sleep", "60"], "network": {"mode": "host"}}
                            """);
            assertThat(
                            attempt(
                                    "abstract",
                                    name,
                                    "\"network\":{\"mode\":\"sandbox\",\"join\":\""
                                            + sharer
                                            + "\"}"))
                    .isEqualTo("refused EPERM");
            long number = HostProcess.number(Outside.namespace("self", "net"));
            assertThat(
                            attempt(
                                    "abstract",
                                    name,
                                    "\"network\":{\"mode\":\"namespace\",\"join\":\""
                                            + number
                                            + "\"}"))
                    .isEqualTo("refused EPERM");
            api.destroy(sharer);
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

    /**
     * What root inside left in the layer that is kept is prepared by the host's root at the next
     * start.
     */
    @Test
    void linksInAKeptLayerAreNotFollowed() throws Exception {
        Path canary = Files.createTempFile(Path.of("/var/lib"), "seahaven-test-canary", "");
        Files.setPosixFilePermissions(canary, PosixFilePermissions.fromString("rw-------"));
        String outside = "/proc/" + ProcessHandle.current().pid() + "/root" + canary;
        String id =
                api.create(
                        "{\"command\":[\"sh\",\"-c\",\"rmdir /tmp /var/tmp /home; ln -s "
                                + outside
                                + " /tmp; ln -s "
                                + outside
                                + " /var/tmp; ls -ld /tmp /var/tmp /home\"]}");
        try {
            api.get("/sandboxes/" + id + "/wait").expect(200);
            api.post("/sandboxes/" + id + "/start").expect(200);
            api.get("/sandboxes/" + id + "/wait").expect(200);
            String said = api.get("/sandboxes/" + id + "/logs").text();
            assertThat(said.split("/tmp -> /proc", -1))
                    .as("in both lives there are both links, which hide the host's: " + said)
                    .hasSize(5);
            assertThat(said).contains("/home': No such file");
            assertThat(Files.getPosixFilePermissions(canary))
                    .isEqualTo(PosixFilePermissions.fromString("rw-------"));
            assertThat(Files.getOwner(canary).getName()).isEqualTo("root");
        } finally {
            api.destroy(id);
            Files.delete(canary);
        }
    }

    /** Who is root of the host inside could change the mode of the host's own nodes. */
    @Test
    void devicesAreOnReadOnlyMounts() {
        String mounts =
                api.post(
                                "/runs",
                                """
                                {
                                  "command": ["sh", "-c", "echo x > /dev/null; echo x > /dev/zero; cat /proc/self/mountinfo"]
                                  ,
                                  "security": {"devices": [{"path": "/dev/fuse"}]}
                                }
                                """)
                        .expect(200)
                        .json()
                        .path("stdout")
                        .asString();
        for (String device : List.of("null", "zero", "full", "random", "urandom", "tty", "fuse")) {
            assertThat(mounts)
                    .containsPattern(" /" + device + " /dev/" + device + " ro,nosuid,noexec");
        }
        assertThat(Outside.read("/proc/self/mountinfo")).doesNotContain("/dev/null");
    }

    /** A file system that is mounted as every one is on a host with systemd. */
    private record SharedMount(Path path) implements AutoCloseable {

        static SharedMount below(String directory, String mode) throws IOException {
            Path path = Files.createTempDirectory(Path.of(directory), "seahaven-test-shared");
            Outside.run("mount", "-t", "tmpfs", "-o", "mode=" + mode, "none", path.toString());
            Outside.run("mount", "--make-shared", path.toString());
            return new SharedMount(path);
        }

        @Override
        public void close() throws IOException {
            Outside.run("umount", "-R", path.toString());
            Files.delete(path);
        }
    }

    @Test
    void whatIsMountedInARootOfASharedMountDoesNotShowOnTheHost() throws Exception {
        try (SharedMount shared = SharedMount.below("/var/lib", "0700")) {
            Path own = Files.createDirectory(shared.path().resolve("root"));
            for (String directory : List.of("bin", "dev", "proc", "sys")) {
                Files.createDirectory(own.resolve(directory));
            }
            Files.copy(Path.of("target/launcher-test/doors"), own.resolve("bin/doors"));
            String members =
                    "\"security\":{\"devices\":[{\"path\":\"/dev/zero\"}]},\"rootfs\":{\"path\":\""
                            + own
                            + "\",\"ephemeral\":false}";
            assertThat(answer("\"/bin/doors\",\"write\",\"/dev/null\"", members))
                    .isEqualTo("through");
            assertThat(Outside.read("/proc/self/mountinfo")).doesNotContain(own + "/");
        }
    }

    @Test
    void aFileSystemOfTheHostThatTheDefaultRootNeedsIsReadOnlyAndApart() throws Exception {
        try (SharedMount needed = SharedMount.below("/opt", "1777")) {
            Path path = needed.path();
            assertThat(
                            api.shell(
                                    "touch "
                                            + path
                                            + "/x 2>&1; grep "
                                            + path
                                            + " /proc/self/mountinfo"))
                    .contains("Read-only file system")
                    .containsPattern(path + " ro,nosuid,nodev,[a-z]+ - tmpfs");
            assertThat(path).isEmptyDirectory();
        }
    }

    @Test
    void linksInTheDevOfARootAreNotFollowed() throws Exception {
        Path canary = Files.createTempFile(Path.of("/var/lib"), "seahaven-test-canary", "");
        try {
            for (String device : List.of("null", "console")) {
                Files.createSymbolicLink(root.resolve("dev").resolve(device), canary);
            }
            String spec =
                    "\"rootfs\":{\"path\":\""
                            + root
                            + "\"},\"security\":{\"maskedPaths\":[\"/proc/version\"]}";
            assertThat(answer("\"/bin/doors\",\"write\",\"/dev/null\"", spec)).isEqualTo("through");
            assertThat(answer("\"/bin/doors\",\"read\",\"/dev/console\"", spec))
                    .isEqualTo("refused ENOENT");
            assertThat(answer("\"/bin/doors\",\"seals\",\"/proc/version\"", spec))
                    .as("it is covered by the device and not by the link")
                    .isEqualTo("-1");
            assertThat(canary).isEmptyFile();
        } finally {
            Files.deleteIfExists(root.resolve("dev/null"));
            Files.deleteIfExists(root.resolve("dev/console"));
            Files.delete(canary);
        }
    }

    @Test
    void theProgramOfInitCanNeitherBeChangedNorExecuted() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        int seals =
                Integer.parseInt(
                        Outside.run(Outside.doors(), "seals", "/proc/" + api.pid(id) + "/exe")
                                .trim());
        assertThat(seals & 0x2f).as("seal, shrink, grow, write, exec").isEqualTo(0x2f);
        api.destroy(id);
        // Its own it may execute once more, which refuses to be anything but what the daemon
        // started.
        for (String program : List.of("/proc/self/exe", "/proc/1/exe")) {
            JsonNode exit =
                    api.post("/runs", "{\"command\":[\"" + program + "\"]}")
                            .expect(200)
                            .json()
                            .path("exit");
            assertThat(exit.path("exitCode").asInt()).as(program).isIn(1, 126);
        }
    }

    /** What the kernel counts by user was charged to the host's root. */
    @ParameterizedTest
    @CsvSource({"inotify", "queues", "signals"})
    void whatIsCountedByUserIsTheSandboxsOwn(String what) {
        int before = taken(what);
        String id =
                api.create(
                        "{\"command\":[\""
                                + Outside.doors()
                                + "\",\"take-and-stay\",\""
                                + what
                                + "\"]}");
        await().until(() -> !api.get("/sandboxes/" + id + "/logs").expect(200).text().isEmpty());
        int inside =
                Integer.parseInt(api.get("/sandboxes/" + id + "/logs").expect(200).text().trim());
        assertThat(inside).isPositive();
        assertThat(taken(what)).as("with %d inside", inside).isBetween(before - 3, before + 3);
        assertThat(answer("\"" + Outside.doors() + "\",\"take\",\"" + what + "\"", ""))
                .as("of another sandbox")
                .isEqualTo(Integer.toString(inside));
        api.destroy(id);
    }

    /** How many the host's root gets. */
    private static int taken(String what) {
        return Integer.parseInt(Outside.run(Outside.doors(), "take", what).trim());
    }

    /** A directory above was moved, and the next life covered what was made in its place. */
    @Test
    void whatIsCoveredStaysCoveredInTheNextLives() {
        String script =
                "case $(cat /life 2>/dev/null) in"
                        + " '') mkdir -p /w/m/data /w/r/data; echo secret >/w/m/data/secret;"
                        + " echo kept >/w/r/data/file; echo 1 >/life;;"
                        + " 1) mv -T /w/m /w/n || rmdir /w/m || mv /w /x;"
                        + " mv -T /w/r /w/q; mkdir -p /w/m/data /w/r/data;"
                        + " echo 2 >/life;;"
                        + " 2) cat /w/*/data/secret /x/*/data/secret;"
                        + " echo lost >/w/r/data/file; echo lost >/w/q/data/file;"
                        + " cat /w/*/data/file;; esac 2>&1";
        String id =
                api.create(
                        "{\"command\":[\"sh\",\"-c\","
                                + Api.quoted(script)
                                + "],\"security\":{\"maskedPaths\":[\"/w/m/data\"],"
                                + "\"readOnlyPaths\":[\"/w/r/data\"]}}");
        for (int life = 0; life < 3; life++) {
            if (life > 0) {
                api.post("/sandboxes/" + id + "/start", "").expect(200);
            }
            api.get("/sandboxes/" + id + "/wait").expect(200);
        }
        assertThat(api.get("/sandboxes/" + id + "/logs").expect(200).text())
                .contains("mv: cannot", "kept")
                .doesNotContain("secret\nsecret")
                .doesNotContainPattern("(?m)^(secret|lost)$");
        api.destroy(id);
    }

    /** A copy of the proc alone, without what hides places in it, was laid over it. */
    @Test
    void whatIsReadOnlyByWishStaysHiddenWhereItWas() {
        String spec = "\"security\":{\"readOnlyPaths\":[\"/proc\",\"/sys\",\"/dev\"]}";
        for (String file : List.of("/proc/timer_list", "/proc/keys", "/proc/interrupts")) {
            assertThat(
                            api.post(
                                            "/runs",
                                            "{\"command\":[\"cat\",\"" + file + "\"]," + spec + "}")
                                    .expect(200)
                                    .json()
                                    .path("stdout")
                                    .asString())
                    .as(file)
                    .isEmpty();
        }
        assertThat(attempt("write", "/dev/shm/x", spec)).isEqualTo("refused ENOENT");
        assertThat(
                        answer(
                                "\"sh\",\"-c\",\"(echo > /proc/self/comm) 2>&1 | grep -o"
                                        + " Read-only\"",
                                spec))
                .isEqualTo("Read-only");
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
                        """
                        {
                          "command": ["sleep", "60"],
                          "namespaces": {"mount": "sandbox:trap"},
                          "security": {"sysctls": {"net.ipv4.ip_unprivileged_port_start": "77"}}
                        }
                        """);
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
                            """
                            {"command": ["sleep", "0"]}
                            """)
                    .expect(200);
            api.post(
                            "/runs",
                            "{\"command\":[\"sleep\",\"0\"],\"namespaces\":{\"pid\":\"sandbox:"
                                    + watcher
                                    + "\"}}")
                    .expect(200);
        }
        List<String> met =
                api.get("/sandboxes/" + watcher + "/logs").text().lines().skip(1).toList();
        assertThat(met).as("that it looked at the right time").isNotEmpty();
        assertThat(met)
                .as("what it could trace before the program was executed")
                .allMatch(line -> line.startsWith("missed "));
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
        for (String link : List.of("/proc/1/cwd", "/proc/self/cwd", "/proc/self/root")) {
            api.post("/runs", "{\"command\":[\"pwd\"],\"workingDirectory\":\"" + link + "\"}")
                    .expectViolation("workingDirectory");
        }
    }

    @Test
    void whatASandboxWroteCannotBeRunByOthersOfTheHost() throws Exception {
        String id =
                api.create(
                        """
                        {"command": ["sh", "-c", "cp /bin/sh /var/tool; chmod 4755 /var/tool; sleep 60"]}
                        """);
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

package dev.seahaven.namespace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.syscall.CloneFlag;
import dev.seahaven.syscall.LinuxNamespaceCalls;
import dev.seahaven.testing.Api;
import dev.seahaven.testing.HostProcess;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Each way in which the kernel pins a namespace, made as the only one there is. */
@ExtendWith(NothingLeft.class)
class HoldersIT {

    private static final long OWN = ProcessHandle.current().pid();

    private final Api api = TestDaemon.shared().api();
    private final Deque<HostProcess> processes = new ArrayDeque<>();
    private Path directory = Path.of("/");

    @BeforeEach
    void directory() throws Exception {
        directory = Files.createTempDirectory(Path.of("/var/lib"), "seahaven-holders-");
    }

    @AfterEach
    void end() throws Exception {
        processes.forEach(HostProcess::close);
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                if (Outside.read("/proc/self/mountinfo").contains(" " + file + " ")) {
                    Outside.run("umount", file.toString());
                }
            }
        }
        Outside.delete(directory);
    }

    private HostProcess sleeping(String script) {
        HostProcess process = HostProcess.sleeping(script);
        processes.push(process);
        return process;
    }

    private void end(HostProcess process) {
        processes.remove(process);
        process.close();
    }

    private JsonNode holders(long id) {
        JsonNode answer = api.get("/namespaces/" + id + "/holders").expect(200).json();
        assertThat(answer.path("complete").asBoolean()).isTrue();
        return answer.path("items");
    }

    /** The only holder, which is of this kind. */
    private JsonNode only(long id, String kind) {
        JsonNode found = holders(id);
        assertThat(found.valueStream().map(each -> each.path("kind").asString()))
                .as(found.toString())
                .containsExactly(kind);
        return found.path(0);
    }

    @Test
    void aProcess() {
        HostProcess process = sleeping("exec unshare --net sleep 60");
        JsonNode holder = only(process.namespace("net"), "process");
        assertThat(holder.path("pid").asInt()).isEqualTo(process.pid());
        assertThat(holder.path("command").asString()).isEqualTo("sleep");
        String stat = Outside.read("/proc/" + process.pid() + "/stat");
        assertThat(holder.path("startTicks").asLong())
                .isEqualTo(
                        Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[19]));
    }

    /** The link of such a descriptor is the path of the name. */
    @Test
    void aDescriptorThatWasOpenedByAName() throws Exception {
        Path name = Files.createFile(directory.resolve("name"));
        Outside.run("unshare", "--uts=" + name, "true");
        HostProcess process = sleeping("exec 9<" + name + "; sleep 60 & exec sleep 61");
        Outside.run("umount", "--lazy", name.toString());
        String link = Outside.run("readlink", "/proc/" + process.pid() + "/fd/9").trim();
        assertThat(link).doesNotContain("uts:");
        long id =
                Long.parseLong(
                        Outside.run("stat", "-Lc", "%i", "/proc/" + process.pid() + "/fd/9")
                                .trim());
        assertHeldByDescriptorOf(id, process);
    }

    /** Its own descriptors are gone with its first thread; those of the others are not. */
    @Test
    void aProcessWhoseFirstThreadHasEnded() {
        HostProcess made = sleeping("exec unshare --uts sleep 60");
        long id = made.namespace("uts");
        HostProcess process =
                python(
                        """
                        import ctypes, os, threading, time
                        os.open('/proc/%d/ns/uts', os.O_RDONLY)
                        threading.Thread(target=lambda: time.sleep(60)).start()
                        exit = 60 if os.uname().machine == 'x86_64' else 93
                        ctypes.CDLL(None).syscall(exit, 0)
                        """
                                .formatted(made.pid()));
        await().until(() -> Outside.read("/proc/" + process.pid() + "/stat").contains(") Z "));
        made.end();
        assertHeldByDescriptorOf(id, process);
    }

    private void assertHeldByDescriptorOf(long id, HostProcess process) {
        assertThat(holders(id).valueStream())
                .anySatisfy(
                        holder -> {
                            assertThat(holder.path("kind").asString()).isEqualTo("descriptor");
                            assertThat(holder.path("pid").asInt()).isEqualTo(process.pid());
                        });
    }

    private HostProcess python(String script) {
        HostProcess process = HostProcess.start("python3", "-c", script);
        processes.push(process);
        return process;
    }

    /** CLONE_FILES is undone: the thread has a table of its own. */
    @Test
    void aThreadWithDescriptorsOfItsOwn() {
        HostProcess made = sleeping("exec unshare --uts sleep 60");
        long id = made.namespace("uts");
        HostProcess process =
                python(
                        """
                        import ctypes, os, threading, time
                        def own():
                            ctypes.CDLL(None).unshare(0x400)
                            os.open('/proc/%d/ns/uts', os.O_RDONLY)
                            open('/proc/%%d/comm' %% os.getpid(), 'w').write('ready')
                            time.sleep(60)
                        threading.Thread(target=own).start()
                        time.sleep(60)
                        """
                                .formatted(made.pid()));
        process.awaitCommand("ready");
        made.end();
        assertHeldByDescriptorOf(id, process);
    }

    @Test
    void aThreadWhoseProcessIsElsewhere() throws Exception {
        var calls = new LinuxNamespaceCalls();
        long[] id = new long[2];
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        Thread thread =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    calls.unshare(CloneFlag.CLONE_NEWUTS);
                                    id[0] =
                                            HostProcess.number(
                                                    Outside.namespace("thread-self", "uts"));
                                    entered.countDown();
                                    try {
                                        leave.await();
                                    } catch (InterruptedException e) {
                                        Thread.currentThread().interrupt();
                                    }
                                });
        try {
            entered.await();
            JsonNode holder = only(id[0], "thread");
            assertThat(holder.path("pid").asLong()).isEqualTo(OWN);
            assertThat(
                            HostProcess.number(
                                    Outside.namespace(
                                            OWN + "/task/" + holder.path("tid").asInt(), "uts")))
                    .isEqualTo(id[0]);
        } finally {
            leave.countDown();
            thread.join();
        }
        await().untilAsserted(() -> api.get("/namespaces/" + id[0]).expect(404));
    }

    @Test
    void anOpenDescriptor() {
        HostProcess member = sleeping("exec unshare --uts sleep 60");
        long id = member.namespace("uts");
        HostProcess holding = sleeping("exec 9</proc/" + member.pid() + "/ns/uts; exec sleep 60");
        end(member);
        JsonNode holder = only(id, "descriptor");
        assertThat(holder.path("pid").asInt()).isEqualTo(holding.pid());
        assertThat(holder.path("fd").asInt()).isEqualTo(9);
    }

    @Test
    void aBindMount() {
        Path file = directory.resolve("ipc");
        Outside.run("sh", "-c", "touch " + file + "; unshare --ipc=" + file + " true");
        long id = Long.parseLong(Outside.run("stat", "-c", "%i", file.toString()).trim());
        JsonNode holder = only(id, "mount");
        assertThat(holder.path("mountPoint").asString()).isEqualTo(file.toString());
        assertThat(holder.path("mountNamespace").asLong())
                .isEqualTo(HostProcess.number(Outside.namespace("self", "mnt")));
        assertThat(holder.path("processes").asInt()).isPositive();
        assertThat(holder.path("pids").valueStream().map(JsonNode::asLong))
                .hasSizeBetween(1, 100)
                .allSatisfy(
                        pid ->
                                assertThat(Outside.namespace(pid.toString(), "mnt"))
                                        .isEqualTo(Outside.namespace("self", "mnt")));
    }

    @Test
    void aBindMountInAMountNamespaceThatNoProcessIsIn() {
        Path file = directory.resolve("uts");
        HostProcess member =
                sleeping(
                        "exec unshare --mount sh -c 'touch "
                                + file
                                + "; unshare --uts="
                                + file
                                + " true; exec sleep 60'");
        long mounts = member.namespace("mnt");
        String line =
                Outside.read("/proc/" + member.pid() + "/mountinfo")
                        .lines()
                        .filter(each -> each.contains(" " + file + " "))
                        .findFirst()
                        .orElseThrow();
        long id = HostProcess.number(line.split(" ")[3]);
        HostProcess holding = sleeping("exec 9</proc/" + member.pid() + "/ns/mnt; exec sleep 60");
        end(member);
        assertThat(only(mounts, "descriptor").path("pid").asInt()).isEqualTo(holding.pid());
        JsonNode holder = only(id, "mount");
        assertThat(holder.path("mountNamespace").asLong()).isEqualTo(mounts);
        assertThat(holder.path("processes").asInt()).isZero();
        // It can be opened too, for which the mount namespace has to be entered.
        assertThat(api.get("/namespaces/" + id + "/view").expect(200).json().path("hostname"))
                .isNotNull();
    }

    @Test
    void aChild() {
        HostProcess process =
                sleeping("exec unshare --user --map-root-user unshare --user sleep 60");
        long inner = process.namespace("user");
        long outer = api.get("/namespaces/" + inner).expect(200).json().path("parent").asLong();
        JsonNode holder = only(outer, "child");
        assertThat(holder.path("id").asLong()).isEqualTo(inner);
        assertThat(
                        api.get("/namespaces/" + outer)
                                .expect(200)
                                .json()
                                .path("children")
                                .path(0)
                                .asLong())
                .isEqualTo(inner);
    }

    @Test
    void aNamespaceThatItOwns() {
        Path file = directory.resolve("net");
        HostProcess member = sleeping("exec unshare --user --net sleep 60");
        long net = member.namespace("net");
        Outside.run("touch", file.toString());
        Outside.run("mount", "--bind", "/proc/" + member.pid() + "/ns/net", file.toString());
        end(member);
        long owner = api.get("/namespaces/" + net).expect(200).json().path("owner").asLong();
        JsonNode holder = only(owner, "owned");
        assertThat(holder.path("id").asLong()).isEqualTo(net);
        assertThat(holder.path("type").asString()).isEqualTo("net");
    }

    @Test
    void whatTheNextChildWillBeIn() throws Exception {
        var calls = new LinuxNamespaceCalls();
        long[] id = new long[1];
        CountDownLatch made = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        Thread thread =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    calls.unshare(CloneFlag.CLONE_NEWTIME);
                                    id[0] =
                                            HostProcess.number(
                                                    Outside.namespace(
                                                            "thread-self", "time_for_children"));
                                    made.countDown();
                                    try {
                                        leave.await();
                                    } catch (InterruptedException e) {
                                        Thread.currentThread().interrupt();
                                    }
                                });
        try {
            made.await();
            JsonNode holder = only(id[0], "for-children");
            assertThat(holder.path("link").asString()).isEqualTo("time_for_children");
            assertThat(holder.path("pid").asLong()).isEqualTo(OWN);
        } finally {
            leave.countDown();
            thread.join();
        }
    }

    @Test
    void aSocketOfAProcessThatIsElsewhere() {
        HostProcess process =
                sleeping(
                        "exec unshare --net bash -c 'ip link set lo up; readlink /proc/self/ns/net"
                                + " >"
                                + directory.resolve("id")
                                + "; exec 9<>/dev/udp/127.0.0.1/9; exec nsenter --net=/proc/"
                                + OWN
                                + "/ns/net sleep 60'");
        long id = HostProcess.number(Outside.read(directory.resolve("id").toString()).trim());
        assertThat(process.namespace("net")).isNotEqualTo(id);
        JsonNode holder = only(id, "socket");
        assertThat(holder.path("pid").asInt()).isEqualTo(process.pid());
        assertThat(holder.path("fd").asInt()).isEqualTo(9);
        assertThat(
                        api.get("/namespaces/" + id + "/view")
                                .expect(200)
                                .json()
                                .path("interfaces")
                                .path(0)
                                .path("name")
                                .asString())
                .isEqualTo("lo");
    }

    @Test
    void aProcMount() {
        String sandbox =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        try {
            long id = HostProcess.number(Outside.namespace(api.pid(sandbox), "pid"));
            List<String> kinds =
                    holders(id).valueStream().map(each -> each.path("kind").asString()).toList();
            assertThat(kinds).contains("process", "proc-mount");
            assertThat(api.get("/namespaces/" + id).json().path("sandbox").asString())
                    .isEqualTo(sandbox);
        } finally {
            api.destroy(sandbox);
        }
    }

    /** At the same path a member with another root sees another one. */
    @Test
    void procMountsWhereAMemberHasAnotherRoot() {
        String script =
                """
                import os, subprocess, sys, time
                top = sys.argv[1]
                for root in ("", top + "/root"):
                    point = root + top + "/proc"
                    os.makedirs(point)
                    command = f"mount -t proc proc {point} && exec sleep 60"
                    subprocess.Popen(["unshare", "--pid", "--fork", "sh", "-c", command])
                    while not os.path.exists(point + "/1"):
                        time.sleep(0.01)
                os.chroot(top + "/root")
                open("/ready", "w").close()
                time.sleep(60)
                """;
        HostProcess first =
                HostProcess.start("unshare", "-m", "python3", "-c", script, "" + directory);
        processes.push(first);
        await().until(() -> Files.exists(directory.resolve("root/ready")));
        List<String> points =
                List.of(directory + "/proc", directory + "/root" + directory + "/proc");
        List<Integer> unshared = Outside.children(first.pid());
        for (int i = 0; i < 2; i++) {
            int init = Outside.children(unshared.get(i)).getFirst();
            long id = HostProcess.number(Outside.namespace(init, "pid"));
            assertThat(
                            holders(id)
                                    .valueStream()
                                    .filter(
                                            each ->
                                                    each.path("kind")
                                                            .asString()
                                                            .equals("proc-mount"))
                                    .map(each -> each.path("mountPoint").asString()))
                    .contains(points.get(i))
                    .doesNotContain(points.get(1 - i));
        }
    }
}

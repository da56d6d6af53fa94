package dev.seahaven.namespace.scan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.namespace.NamespaceThread;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.LinuxNamespaceCalls;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.testing.FaultySyscalls;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/** On a captured tree, where every call can fail and no root is needed. */
class NamespaceScanTest {

    private static final long HOSTS = 4_026_531_840L;
    private static final long OTHER = 4_026_532_999L;

    @TempDir private Path top;
    private final FaultySyscalls.Pair pair =
            FaultySyscalls.failing(new LinuxSyscalls(), Errno.EMFILE);

    @BeforeEach
    void capture() throws Exception {
        process(1, "init", HOSTS);
        process(42, "web server", OTHER);
        Files.createDirectories(top.resolve("proc/thread-self/ns"));
        Files.writeString(top.resolve("proc/thread-self/ns/mnt"), "");
    }

    private void process(int pid, String command, long network) throws Exception {
        Path directory = Files.createDirectories(top.resolve("proc/" + pid));
        Files.createDirectories(directory.resolve("fd"));
        Files.createDirectories(directory.resolve("task/" + pid));
        Path namespaces = Files.createDirectories(directory.resolve("ns"));
        for (NamespaceType type : NamespaceType.values()) {
            long id = type == NamespaceType.NET ? network : HOSTS + 1 + type.ordinal();
            Files.createSymbolicLink(
                    namespaces.resolve(type.kernelName()),
                    Path.of(type.kernelName() + ":[" + id + "]"));
        }
        Files.writeString(
                directory.resolve("stat"),
                "%d (%s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0 0"
                        .formatted(pid, command));
        Files.writeString(directory.resolve("mountinfo"), "27 1 254:0 / / rw - ext4 /dev/vda rw\n");
    }

    private HostNamespaces scan() {
        Syscalls syscalls = pair.syscalls();
        NamespaceCalls calls = new LinuxNamespaceCalls();
        ProcRoot proc = new ProcRoot(syscalls, top.resolve("proc").toString());
        NamespaceFinder finder =
                new NamespaceFinder(
                        syscalls, calls, proc, top.resolve("names"), top.resolve("netns"));
        NamespaceThread threads = new NamespaceThread(syscalls, calls);
        ScanTools tools =
                new ScanTools(
                        syscalls,
                        calls,
                        proc,
                        finder,
                        new NamespaceOpener(syscalls, calls, proc, threads),
                        new PreparedNetwork(syscalls, calls, threads),
                        new OwnProcesses(finder, Map::of));
        return new NamespaceScan(tools).run();
    }

    @Test
    void whoIsInWhichNamespaceIsTold() {
        HostNamespaces found = scan();
        HostNamespace other = Objects.requireNonNull(found.get(OTHER));
        assertThat(other.type()).isEqualTo(NamespaceType.NET);
        assertThat(other.holders()).containsExactly(new Holder.Member(42, 100, "web server"));
        assertThat(found.all()).hasSize(NamespaceType.values().length + 1);
        assertThat(found.isComplete()).isTrue();
    }

    @Test
    void aProcessThatEndsMeanwhileIsNoLoss() throws Exception {
        Files.delete(top.resolve("proc/42/stat"));
        HostNamespaces found = scan();
        assertThat(found.get(OTHER)).isNull();
        assertThat(found.isComplete()).isTrue();
    }

    /** A descriptor that is missing is no namespace that is missing. */
    @Test
    void aScanThatRunsOutOfDescriptorsIsNotComplete() {
        boolean struck = true;
        int step = 1;
        int incomplete = 0;
        for (; struck; step++) {
            pair.control().arm(step);
            HostNamespaces found = scan();
            struck = !pair.control().disarm();
            if (struck) {
                assertThat(found.isComplete()).as("step " + step).isFalse();
                incomplete++;
            } else {
                assertThat(found.isComplete()).isTrue();
            }
        }
        assertThat(incomplete).isGreaterThan(4);
    }
}

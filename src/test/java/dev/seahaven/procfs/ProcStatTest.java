package dev.seahaven.procfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.syscall.LinuxSyscalls;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class ProcStatTest {

    private static final String LINE =
            "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 123 0 0 0 1 2 0 0 20 0 1 0 987654 1 2 3";

    @TempDir private Path directory;

    @Test
    void aCommandMayHoldBlanksAndParentheses() {
        assertThat(ProcStat.parse(LINE))
                .isEqualTo(new ProcStat(4711, "a) b (c", 'S', 1, 987654, 1));
    }

    @Test
    void aProcessThatIsGoneIsNothing() throws Exception {
        ProcRoot proc = new ProcRoot(new LinuxSyscalls(), directory.toString());
        Files.createDirectory(directory.resolve("4711"));
        assertThat(ProcStat.read(proc, 4711)).isEmpty();
        Files.writeString(directory.resolve("4711/stat"), LINE);
        Files.createDirectory(directory.resolve("irq"));
        assertThat(ProcStat.read(proc, 4711)).isPresent();
        assertThat(proc.processes()).containsExactly(4711);
    }

    @Test
    void mountInfoIsUnescapedAndHasOptionalFields() {
        List<MountInfo> mounts =
                MountInfo.parse(
                        """
                        27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
                        41 31 0:38 /a\\040b /mnt/x\\134y rw - cgroup cgroup rw,freezer
                        """);
        assertThat(mounts.getFirst().fileSystem()).isEqualTo("ext4");
        assertThat(mounts.getFirst().propagation()).containsExactly("shared:1", "master:2");
        assertThat(mounts.getLast())
                .isEqualTo(
                        new MountInfo(
                                41,
                                31,
                                "/a b",
                                "/mnt/x\\y",
                                List.of("rw"),
                                List.of(),
                                "cgroup",
                                "cgroup",
                                List.of("rw", "freezer")));
    }
}

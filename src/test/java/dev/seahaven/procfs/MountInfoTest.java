package dev.seahaven.procfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.seahaven.syscall.LinuxSyscalls;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class MountInfoTest {

    @Test
    void aMountPointWithABlank(@TempDir Path proc) throws IOException {
        Files.createDirectories(proc.resolve("thread-self"));
        Files.writeString(
                proc.resolve("thread-self/mountinfo"),
                "36 35 98:0 /mnt1 /a\\040b rw,noatime master:1 - ext3 /dev/root"
                        + " rw,errors=continue\n");
        assertThat(MountInfo.read(new ProcRoot(new LinuxSyscalls(), proc.toString())))
                .singleElement()
                .satisfies(
                        mount -> {
                            assertThat(mount.mountPoint()).isEqualTo("/a b");
                            assertThat(mount.fileSystem()).isEqualTo("ext3");
                        });
    }

    /** The kernel escapes blanks and newlines only. */
    @Test
    void aMountPointWithACarriageReturn() {
        assertThat(MountInfo.parse("36 35 0:4 / /a\rb rw - proc proc rw\n"))
                .singleElement()
                .satisfies(mount -> assertThat(mount.mountPoint()).isEqualTo("/a\rb"));
        assertThat(CgroupMembership.parse("0::/a\rb\n")).hasSize(1);
    }

    @Test
    void aTableThatCannotBeReadIsNotAnEmptyOne(@TempDir Path proc) {
        assertThatThrownBy(() -> MountInfo.read(new ProcRoot(new LinuxSyscalls(), proc.toString())))
                .isInstanceOf(IllegalStateException.class);
    }
}

package dev.seahaven.cgroup.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.LinuxSyscalls;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.List;

/** A captured hierarchy; on disk, for only some file systems know attributes of users. */
class DelegationTest {

    private static final String SERVICE = "/seahaven.slice/seahaven.service";

    private static String find(Path top, String ownGroup) throws IOException {
        Path proc = Files.createDirectories(top.resolve("proc/self"));
        Files.writeString(proc.resolve("cgroup"), "0::" + ownGroup + "\n");
        List<MountInfo> mounts =
                MountInfo.parse("41 31 0:38 / " + top + "/cgroup rw - cgroup2 cgroup2 rw\n");
        return Delegation.find(
                new ProcRoot(new LinuxSyscalls(), top.resolve("proc").toString()), mounts);
    }

    @Test
    void theGroupAboveIsTakenWhereItWasHandedOver() throws Exception {
        Path top = Files.createTempDirectory(Path.of("target").toAbsolutePath(), "delegation");
        Path service = Files.createDirectories(top.resolve("cgroup" + SERVICE));
        Files.createDirectories(service.resolve("daemon"));
        assertThat(find(top, SERVICE + "/daemon")).as("not handed over").isEmpty();
        Files.getFileAttributeView(service, UserDefinedFileAttributeView.class)
                .write("delegate", ByteBuffer.wrap(new byte[] {'1'}));
        assertThat(find(top, SERVICE + "/daemon")).isEqualTo(SERVICE);
        assertThat(find(top, SERVICE)).as("processes may be in leaves only").isEmpty();
        assertThat(find(top, "/")).isEmpty();
    }
}

package dev.seahaven.cgroup.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.testing.NothingLeft;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The v1 freezer, which this daemon uses only where there is no cgroup2, by itself. */
@ExtendWith(NothingLeft.class)
class V1CgroupIT {

    @Test
    void freezesThawsKillsAndIsRemoved() throws Exception {
        List<MountInfo> v1 =
                MountInfo.read(ProcRoot.system(new LinuxSyscalls())).stream()
                        .filter(mount -> mount.fileSystem().equals("cgroup"))
                        .toList();
        String name = "seahaven-v1-" + ProcessHandle.current().pid();
        Cgroups cgroups = Cgroups.detect(new LinuxSyscalls(), v1, name, "");
        assertThat(cgroups.description()).isEqualTo("v1");
        cgroups.prepare();
        Cgroup cgroup = cgroups.create("one");
        Process sleeper = new ProcessBuilder("sleep", "1000").start();
        Path directory = cgroups.directory().resolve("one");
        Files.writeString(directory.resolve("cgroup.procs"), "" + sleeper.pid());
        assertThat(cgroup.isPopulated()).isTrue();
        cgroup.freeze();
        assertThat(cgroup.isFrozen()).isTrue();
        assertThat(directory.resolve("freezer.state")).content().isEqualTo("FROZEN\n");
        cgroup.thaw();
        assertThat(cgroup.isFrozen()).isFalse();
        cgroup.freeze();
        cgroup.kill();
        assertThat(sleeper.waitFor(5, TimeUnit.SECONDS)).isTrue();
        await().until(() -> !cgroup.isPopulated());
        cgroup.remove();
        assertThat(directory).doesNotExist();
        cgroups.release();
        assertThat(cgroups.directory()).doesNotExist();
    }
}

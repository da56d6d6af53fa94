package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.context.annotation.Bean;

import java.nio.file.Path;

/** Sandboxes on a host without cgroup2: the daemon is shown the v1 hierarchies alone. */
@ExtendWith(NothingLeft.class)
class FreezerIT {

    private static final String GROUP = "seahaven-freezer-" + ProcessHandle.current().pid();

    static class V1Only {

        @Bean
        Cgroups cgroups() {
            return Cgroups.detect(
                    new LinuxSyscalls(),
                    MountInfo.read(ProcRoot.system(new LinuxSyscalls())).stream()
                            .filter(mount -> mount.fileSystem().equals("cgroup"))
                            .toList(),
                    GROUP,
                    "");
        }
    }

    @Test
    void sandboxesAreFrozenAndKilledThroughTheV1Freezer() {
        Path directory;
        try (TestDaemon daemon = TestDaemon.startWith(V1Only.class)) {
            Api api = daemon.api();
            directory = daemon.bean(Cgroups.class).directory();
            String id =
                    api.create(
                            """
                            {"command": ["/bin/sh", "-c", "sleep 1000 & sleep 1000"]}
                            """);
            int pid = api.pid(id);
            assertThat(Outside.read("/proc/" + pid + "/cgroup"))
                    .containsPattern("freezer:/" + GROUP + "/" + id);
            api.post("/sandboxes/" + id + "/pause").expect(200);
            assertThat(directory.resolve(id).resolve("freezer.state"))
                    .content()
                    .isEqualTo("FROZEN\n");
            api.destroy(id);
            assertThat(Path.of("/proc/" + pid)).doesNotExist();
            assertThat(directory.resolve(id)).doesNotExist();
            assertThat(api.shell("grep freezer /proc/self/cgroup")).endsWith("freezer:/\n");
        }
        assertThat(directory).doesNotExist();
    }
}

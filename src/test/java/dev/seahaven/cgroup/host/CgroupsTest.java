package dev.seahaven.cgroup.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.procfs.MountInfo;
import dev.seahaven.syscall.LinuxSyscalls;

import org.junit.jupiter.api.Test;

import java.util.List;

class CgroupsTest {

    private static final String V1 =
            "37 31 0:34 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n";
    private static final String V2 =
            "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    private static Cgroups detect(String mounts) {
        List<MountInfo> parsed = MountInfo.parse(mounts);
        return Cgroups.detect(new LinuxSyscalls(), parsed, "seahaven", "");
    }

    @Test
    void cgroup2FreezesAndKillsAlsoBesideV1() {
        assertThat(detect(V1 + V2).description()).isEqualTo("hybrid");
        assertThat(detect(V1 + V2).isUnified()).isTrue();
        assertThat(detect(V2).description()).isEqualTo("v2");
        assertThat(detect(V1 + V2).directory()).hasToString("/sys/fs/cgroup/unified/seahaven");
        assertThat(detect(V1).description()).isEqualTo("v1");
        assertThat(detect(V1).isUnified()).isFalse();
        assertThat(detect(V1).of("abc").path()).isEqualTo("/seahaven/abc");
        assertThat(detect("").description()).isEqualTo("none");
        assertThat(detect("").isUsable()).isFalse();
    }
}

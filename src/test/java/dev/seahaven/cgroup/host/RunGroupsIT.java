package dev.seahaven.cgroup.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.IoRate;
import dev.seahaven.cgroup.Limits;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.testing.Outside;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A group that lay ready has the limits of who takes it, whatever the last one had. */
class RunGroupsIT {

    private final String name = "seahaven-runs-" + ProcessHandle.current().pid();
    private final Cgroups cgroups =
            Cgroups.detect(
                    new LinuxSyscalls(),
                    MountInfo.read(ProcRoot.system(new LinuxSyscalls())),
                    name,
                    "");

    @BeforeEach
    void prepare() {
        cgroups.prepare();
    }

    @AfterEach
    void release() {
        cgroups.release();
        for (Path mount : Outside.cgroupMounts()) {
            assertThat(mount.resolve(name)).doesNotExist();
        }
    }

    private static Limits limits(@Nullable Double cpus, int pids, List<IoRate> io) {
        return Limits.NONE
                .with(Limits.MEMORY_BYTES, 1L << 26)
                .with(Limits.SWAP_BYTES, 0L)
                .with(Limits.CPUS, cpus)
                .with(Limits.PIDS, pids)
                .with(Limits.IO, io);
    }

    private String file(String controller, Cgroup group, String file) throws Exception {
        String id = group.path().substring(group.path().lastIndexOf('/') + 1);
        for (Path mount : Outside.cgroupMounts()) {
            Path directory = mount.resolve(name).resolve(id);
            if (Files.exists(directory.resolve(file))
                    && (mount.getFileName().toString().contains(controller)
                            || mount.equals(Outside.cgroup2()))) {
                return Files.readString(directory.resolve(file)).trim();
            }
        }
        return "";
    }

    @Test
    void limitsOfTheLastOneDoNotStay() throws Exception {
        Limits narrow = limits(0.5, 5, List.of());
        Cgroup first = cgroups.runs().take(narrow);
        first.limit(narrow, false);
        assertThat(file("pids", first, "pids.max")).isEqualTo("5");
        cgroups.runs().giveBack(first);
        Limits wide = limits(null, 50, List.of());
        List<Cgroup> next = new ArrayList<>();
        await().until(() -> Outside.cgroupMounts().stream().anyMatch(this::hasFour));
        for (int i = 0; i < 6; i++) {
            Cgroup group = cgroups.runs().take(wide);
            group.limit(wide, false);
            next.add(group);
            assertThat(file("pids", group, "pids.max")).isEqualTo("50");
            assertThat(file("cpu", group, "cpu.cfs_quota_us")).isIn("", "-1");
        }
        next.forEach(cgroups.runs()::giveBack);
    }

    private boolean hasFour(Path mount) {
        String[] names = mount.resolve(name).toFile().list((dir, each) -> each.startsWith("run-"));
        return names != null && names.length >= 4;
    }

    @Test
    void limitsThatCannotBeSetAreOnlyTheirs() throws Exception {
        Limits impossible = limits(null, 5, List.of(new IoRate("0:0", 1L, 1L, 1L, 1L)));
        Cgroup group = cgroups.runs().take(impossible);
        assertThatThrownBy(() -> group.limit(impossible, false)).isInstanceOf(Exception.class);
        cgroups.runs().giveBack(group);
        await().until(() -> Outside.cgroupMounts().stream().anyMatch(this::hasFour));
        Limits wide = limits(null, 50, List.of());
        Cgroup next = cgroups.runs().take(wide);
        next.limit(wide, false);
        assertThat(file("pids", next, "pids.max")).isEqualTo("50");
        cgroups.runs().giveBack(next);
    }

    @Test
    void aHostWithoutDevicesAndLimitsCanRemoveToo() {
        Cgroups bare =
                Cgroups.detect(
                        new LinuxSyscalls(),
                        MountInfo.read(ProcRoot.system(new LinuxSyscalls())).stream()
                                .filter(mount -> mount.superOptions().contains("freezer"))
                                .toList(),
                        name + "-bare",
                        "");
        bare.prepare();
        assertThat(bare.controllers().values()).containsOnly("none");
        Cgroup group = bare.create("one");
        group.limit(Limits.NONE, true);
        group.enter().close();
        group.remove();
        bare.release();
        assertThat(bare.directory()).doesNotExist();
    }
}

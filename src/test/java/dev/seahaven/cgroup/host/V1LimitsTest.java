package dev.seahaven.cgroup.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.GroupFiles;
import dev.seahaven.cgroup.IoRate;
import dev.seahaven.cgroup.Limits;
import dev.seahaven.cgroup.MissingFeatureException;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.syscall.LinuxSyscalls;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What is written to v1 hierarchies, as a host has them that has all. */
class V1LimitsTest {

    private static final Map<String, List<String>> FILES =
            Map.of(
                    "memory",
                    List.of("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
                    "pids",
                    List.of("pids.max"),
                    "cpu",
                    List.of("cpu.cfs_period_us", "cpu.cfs_quota_us"),
                    "cpuset",
                    List.of("cpuset.cpus", "cpuset.mems"),
                    "blkio",
                    List.of(
                            "blkio.bfq.weight",
                            "blkio.throttle.read_bps_device",
                            "blkio.throttle.write_bps_device",
                            "blkio.throttle.read_iops_device",
                            "blkio.throttle.write_iops_device"),
                    "hugetlb",
                    List.of("hugetlb.2MB.limit_in_bytes"));

    @TempDir private Path top;
    private Resources resources;

    @BeforeEach
    void makeTrees() throws IOException {
        for (Map.Entry<String, List<String>> each : FILES.entrySet()) {
            for (String group :
                    List.of("", "seahaven", "seahaven/box", "seahaven/default-limits")) {
                Path directory = Files.createDirectories(top.resolve(each.getKey()).resolve(group));
                for (String file : each.getValue()) {
                    Files.writeString(
                            directory.resolve(file), file.startsWith("cpuset") ? "0-1\n" : "");
                }
            }
        }
        List<MountInfo> mounts =
                MountInfo.parse(
                        FILES.keySet().stream()
                                .map(
                                        name ->
                                                "41 31 0:38 / %s rw - cgroup cgroup rw,%s\n"
                                                        .formatted(top.resolve(name), name))
                                .collect(Collectors.joining()));
        Hierarchies hierarchies =
                new Hierarchies(new LinuxSyscalls(), mounts, null, null, "seahaven");
        hierarchies.prepare();
        resources =
                new Resources(
                        new GroupFiles(new LinuxSyscalls()),
                        hierarchies,
                        "box",
                        top.resolve("unified/seahaven/box"));
    }

    private String written(String controller, String file) throws IOException {
        return Files.readString(top.resolve(controller).resolve("seahaven/box").resolve(file))
                .trim();
    }

    @Test
    void limitsAreWrittenInTheWordsOfV1() throws IOException {
        Limits limits =
                Limits.NONE
                        .with(Limits.MEMORY_BYTES, 67_108_864L)
                        .with(Limits.SWAP_BYTES, 1024L)
                        .with(Limits.CPUS, 0.5)
                        .with(Limits.CPUSET, "1")
                        .with(Limits.PIDS, 64)
                        .with(Limits.IO_WEIGHT, 5000)
                        .with(Limits.IO, List.of(new IoRate("8:0", 1000L, null, 7L, 50L)))
                        .with(Limits.HUGEPAGE_BYTES, Map.of("2MB", 4_194_304L));
        resources.change(Limits.NONE, limits, List::of);
        assertThat(written("memory", "memory.limit_in_bytes")).isEqualTo("67108864");
        assertThat(written("memory", "memory.memsw.limit_in_bytes")).isEqualTo("67109888");
        assertThat(written("pids", "pids.max")).isEqualTo("64");
        assertThat(written("cpu", "cpu.cfs_period_us")).isEqualTo("100000");
        assertThat(written("cpu", "cpu.cfs_quota_us")).isEqualTo("50000");
        assertThat(written("cpuset", "cpuset.cpus")).startsWith("1");
        assertThat(written("blkio", "blkio.bfq.weight")).isEqualTo("500"); // of 1000
        assertThat(written("blkio", "blkio.throttle.read_bps_device")).isEqualTo("8:0 1000");
        assertThat(written("blkio", "blkio.throttle.write_bps_device")).isEqualTo("8:0 0");
        assertThat(written("blkio", "blkio.throttle.read_iops_device")).isEqualTo("8:0 7");
        assertThat(written("blkio", "blkio.throttle.write_iops_device")).isEqualTo("8:0 50");
        assertThat(written("hugetlb", "hugetlb.2MB.limit_in_bytes")).isEqualTo("4194304");
    }

    @Test
    void swapThatNobodyCountsIsRefusedUnlessItIsNone() throws IOException {
        Files.delete(top.resolve("memory/seahaven/box/memory.memsw.limit_in_bytes"));
        Limits none =
                Limits.NONE.with(Limits.MEMORY_BYTES, 67_108_864L).with(Limits.SWAP_BYTES, 0L);
        resources.change(Limits.NONE, none, List::of);
        assertThat(written("memory", "memory.limit_in_bytes")).isEqualTo("67108864");
        Limits some = none.with(Limits.SWAP_BYTES, 1024L);
        assertThatThrownBy(() -> resources.change(none, some, List::of))
                .isInstanceOf(MissingFeatureException.class)
                .hasMessageContaining("limits.swapBytes");
    }

    @Test
    void whereItHasNoGroupOneWithoutLimitsIsShown() throws IOException {
        for (String name : List.of("cpu", "cpuset")) {
            Files.move(
                    top.resolve(name).resolve("seahaven/box"),
                    top.resolve(name).resolve("seahaven/other"));
        }
        assertThat(resources.shown())
                .containsExactlyInAnyOrder(
                        shown("memory", "box"),
                        shown("pids", "box"),
                        shown("cpu", "default-limits"),
                        shown("cpuset", "default-limits"));
    }

    private Cgroup.Shown shown(String controller, String group) {
        return new Cgroup.Shown(
                top.resolve(controller).resolve("seahaven").resolve(group), controller);
    }
}

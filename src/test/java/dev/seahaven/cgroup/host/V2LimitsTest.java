package dev.seahaven.cgroup.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.GroupFiles;
import dev.seahaven.cgroup.IoRate;
import dev.seahaven.cgroup.Limits;
import dev.seahaven.cgroup.MissingFeatureException;
import dev.seahaven.cgroup.Usage;
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

/**
 * What is written to and read from a cgroup2 with all its controllers, as a captured one has it.
 */
class V2LimitsTest {

    @TempDir private Path unified;
    private Path group;
    private Cgroups cgroups;

    @BeforeEach
    void makeTree() throws IOException {
        group = Files.createDirectories(unified.resolve("seahaven/box"));
        for (Path each : List.of(unified, unified.resolve("seahaven"))) {
            Files.writeString(each.resolve("cgroup.subtree_control"), "");
        }
        for (String file :
                List.of(
                        "memory.max",
                        "memory.swap.max",
                        "pids.max",
                        "cpu.max",
                        "cpuset.cpus",
                        "io.weight",
                        "io.max",
                        "hugetlb.2MB.max")) {
            Files.writeString(group.resolve(file), "");
        }
        Files.writeString(group.resolve("memory.events"), "low 0\noom 3\noom_kill 2\n");
        Files.writeString(group.resolve("pids.events"), "max 17\n");
        Files.writeString(group.resolve("pids.current"), "5\n");
        Files.writeString(group.resolve("memory.current"), "4096\n");
        Files.writeString(group.resolve("memory.peak"), "8192\n");
        Files.writeString(group.resolve("memory.swap.current"), "0\n");
        Files.writeString(group.resolve("memory.stat"), "anon 1000\nfile 2000\n");
        Files.writeString(
                group.resolve("cpu.stat"),
                "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\nthrottled_usec 700\n");
        Files.writeString(
                group.resolve("io.stat"), "8:0 rbytes=10 wbytes=20 rios=1 wios=2\n8:16 rbytes=5\n");
        Files.writeString(
                group.resolve("cpu.pressure"),
                "some avg10=1.50 avg60=0.10 avg300=0.00 total=2500\nfull avg10=0.00 avg60=0.00"
                        + " avg300=0.00 total=0\n");
        cgroups =
                Cgroups.detect(
                        new LinuxSyscalls(),
                        MountInfo.parse("41 31 0:38 / " + unified + " rw - cgroup2 cgroup2 rw\n"),
                        "seahaven",
                        "");
        cgroups.prepare();
    }

    private String written(String file) throws IOException {
        return Files.readString(group.resolve(file)).trim();
    }

    @Test
    void limitsAreWrittenInTheWordsOfCgroup2() throws IOException {
        assertThat(cgroups.controllers()).containsEntry("memory", "v2").containsEntry("io", "v2");
        Limits limits =
                Limits.NONE
                        .with(Limits.MEMORY_BYTES, 67_108_864L)
                        .with(Limits.SWAP_BYTES, 0L)
                        .with(Limits.CPUS, 0.5)
                        .with(Limits.CPUSET, "0-1")
                        .with(Limits.PIDS, 64)
                        .with(Limits.IO_WEIGHT, 200)
                        .with(Limits.IO, List.of(new IoRate("8:0", 1000L, null, null, 50L)))
                        .with(Limits.HUGEPAGE_BYTES, Map.of("2MB", 4_194_304L));
        Resources resources = resources();
        resources.change(Limits.NONE, limits, List::of);
        assertThat(written("memory.max")).isEqualTo("67108864");
        assertThat(written("memory.swap.max")).isEqualTo("0");
        assertThat(written("pids.max")).isEqualTo("64");
        assertThat(written("cpu.max")).isEqualTo("50000 100000");
        assertThat(written("cpuset.cpus")).isEqualTo("0-1");
        assertThat(written("io.weight")).isEqualTo("default 200");
        assertThat(written("io.max")).isEqualTo("8:0 rbps=1000 wbps=max riops=max wiops=50");
        assertThat(written("hugetlb.2MB.max")).isEqualTo("4194304");
        clear("memory.max", "pids.max", "cpu.max", "io.weight", "io.max", "hugetlb.2MB.max");
        resources.change(limits, Limits.NONE, List::of);
        assertThat(written("memory.max")).isEqualTo("max");
        assertThat(written("pids.max")).isEqualTo("max");
        assertThat(written("cpu.max")).isEqualTo("max 100000");
        assertThat(written("io.weight")).isEqualTo("default 100");
        assertThat(written("io.max")).isEqualTo("8:0 rbps=max wbps=max riops=max wiops=max");
        assertThat(written("hugetlb.2MB.max")).isEqualTo("max");
    }

    /** A regular file keeps what stood behind what is written now. */
    private void clear(String... files) throws IOException {
        for (String file : files) {
            Files.writeString(group.resolve(file), "");
        }
    }

    private Resources resources() {
        GroupFiles files = new GroupFiles(new LinuxSyscalls());
        Hierarchies hierarchies =
                new Hierarchies(new LinuxSyscalls(), List.of(), unified, null, "seahaven");
        hierarchies.prepare();
        return new Resources(files, hierarchies, "box", group);
    }

    @Test
    void usageAndEvidenceAreReadFromItsFiles() {
        Cgroup box = cgroups.of("box");
        assertThat(box.shown()).containsExactly(new Cgroup.Shown(group, ""));
        assertThat(box.evidence()).isEqualTo(new Usage.Evidence(2, 17));
        assertThat(box.peakMemoryBytes()).isEqualTo(8192);
        Usage usage = box.usage();
        assertThat(usage.cpu()).isEqualTo(new Usage.Cpu(5, 3.0, 2.0, 0.7));
        assertThat(usage.memory()).isEqualTo(new Usage.Memory(4096, 8192L, 0L, 1000L, 2000L, 2));
        assertThat(usage.pids()).isEqualTo(new Usage.Pids(5, 17));
        assertThat(usage.io()).isEqualTo(new Usage.Io(15, 20, 1, 2));
        assertThat(usage.pressure())
                .containsEntry(
                        "cpu",
                        new Usage.Pressure(
                                new Usage.Stall(1.5, 0.1, 0, 2.5), new Usage.Stall(0, 0, 0, 0)));
    }

    @Test
    void whatNoHierarchyHasIsRefusedByName() {
        Hierarchies none = new Hierarchies(new LinuxSyscalls(), List.of(), null, null, "seahaven");
        none.prepare();
        Limits limits = Limits.NONE.with(Limits.CPUS, 1.0);
        Resources resources =
                new Resources(new GroupFiles(new LinuxSyscalls()), none, "box", group);
        assertThatThrownBy(() -> resources.create(limits, false))
                .isInstanceOf(MissingFeatureException.class)
                .hasMessageContaining("cpu");
    }
}

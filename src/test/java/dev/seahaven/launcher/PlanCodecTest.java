package dev.seahaven.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.launcher.LaunchPlan.Attachment;
import dev.seahaven.launcher.LaunchPlan.Credentials;
import dev.seahaven.launcher.LaunchPlan.Descriptors;
import dev.seahaven.launcher.LaunchPlan.Device;
import dev.seahaven.launcher.LaunchPlan.Flag;
import dev.seahaven.launcher.LaunchPlan.Hardening;
import dev.seahaven.launcher.LaunchPlan.Join;
import dev.seahaven.launcher.LaunchPlan.Label;
import dev.seahaven.launcher.LaunchPlan.Landlock;
import dev.seahaven.launcher.LaunchPlan.LandlockPath;
import dev.seahaven.launcher.LaunchPlan.LandlockPort;
import dev.seahaven.launcher.LaunchPlan.Limits;
import dev.seahaven.launcher.LaunchPlan.Maps;
import dev.seahaven.launcher.LaunchPlan.Prepared;
import dev.seahaven.launcher.LaunchPlan.Program;
import dev.seahaven.launcher.LaunchPlan.Rlimit;
import dev.seahaven.launcher.LaunchPlan.Root;
import dev.seahaven.launcher.LaunchPlan.RootKind;
import dev.seahaven.launcher.LaunchPlan.Sysctl;
import dev.seahaven.launcher.LaunchPlan.TimeOffsets;
import dev.seahaven.syscall.CloneFlag;
import dev.seahaven.syscall.Fd;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Stream;

/** What Java writes, the launcher's own decoder must read, value for value. */
class PlanCodecTest {

    @TempDir private Path directory;

    private static Fd fd(int number) {
        return Fd.adopt(number, closed -> {});
    }

    private static LaunchPlan plan() {
        return new LaunchPlan(
                LaunchKind.RUN,
                EnumSet.of(Flag.INIT, Flag.PID_SHARED),
                EnumSet.of(CloneFlag.CLONE_NEWUSER, CloneFlag.CLONE_NEWNET),
                List.of(new Join(CloneFlag.CLONE_NEWUTS, fd(30))),
                new Descriptors(
                        fd(10), null, List.of(fd(32)), fd(11), null, fd(12), null, fd(13), fd(14)),
                new Root(
                        RootKind.OVERLAY,
                        true,
                        false,
                        524288,
                        (int) 4294967294L,
                        1 << 20,
                        List.of(
                                Prepared.directory("var/tmp", 01777, true),
                                Prepared.file("etc/hostname", "x"))),
                new Maps("0 524288 65536\n", "0 1 2\n"),
                new TimeOffsets(-5, 7),
                new Credentials(1000, 1001, List.of(5, 6), 0x800405fbL, 0x400),
                new Limits(Duration.ofMillis(1500), 64, 32, 4096),
                new Hardening(
                        List.of(new Rlimit(7, 1024, -1)),
                        List.of(new Sysctl("net/ipv4/ip_forward", "1")),
                        new Label("self/attr/exec", "exec box"),
                        new Landlock(
                                0x1fff,
                                2,
                                3,
                                List.of(new LandlockPath(0xc, "/usr")),
                                List.of(new LandlockPort(2, 443))),
                        new byte[16]),
                List.of(new Attachment(fd(31), "/usr")),
                List.of(new Device(fd(33), "net/tun")),
                List.of("/proc/kcore"),
                List.of("/proc/sys", "/proc/bus"),
                "bäx",
                new Program(List.of("sh", "-c", ""), List.of("A=1"), "/tmp"));
    }

    @Test
    void theLauncherReadsWhatJavaWrites() throws Exception {
        PlanCodec.Encoded encoded = PlanCodec.encode(plan());
        assertThat(encoded.fds().stream().map(Fd::number))
                .containsExactly(30, 10, 32, 11, 12, 13, 14, 31, 33);
        Path file = Files.write(directory.resolve("plan"), encoded.bytes());
        Process process =
                new ProcessBuilder(
                                "target/launcher-test/wire-test",
                                "decode",
                                file.toString(),
                                "" + encoded.fds().size())
                        .redirectErrorStream(true)
                        .start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(text)
                .isEqualTo(
                        """
                        kind 1
                        flags 802
                        namespaces 50000000
                        fds 1 -1 3 -1 4 -1 5 6
                        root 2 1 0 524288 4294967294 1048576
                        ids 1000 1001
                        capabilities 800405fb 400
                        landlock 1fff 2 3
                        limits 1500000000 64 32 4096
                        offsets -5 7
                        join 4000000 0
                        group 5
                        group 6
                        attachment 7 /usr
                        prepared 41777 1 var/tmp\s
                        prepared 100644 0 etc/hostname x
                        v1_group 2
                        device 8 net/tun
                        rlimit 7 1024 18446744073709551615
                        landlock_path c /usr
                        landlock_port 2 443
                        filter 16
                        label self/attr/exec exec box
                        sysctl net/ipv4/ip_forward
                        sysctl 1
                        uid_map 0 524288 65536
                        gid_map 0 1 2
                        hostname bäx
                        directory /tmp
                        masked /proc/kcore
                        read_only /proc/sys
                        read_only /proc/bus
                        argument sh
                        argument -c
                        argument\s
                        variable A=1
                        """);
    }

    @Test
    void stagesPhasesFlagsAndReasonsStandInTheOrderOfTheHeaders() throws Exception {
        assertThat(constants("stage.h", "STAGE_")).isEqualTo(names(Stage.values()));
        assertThat(constants("wire.h", "LAUNCH_"))
                .startsWith(names(LaunchKind.values()).toArray(String[]::new))
                .endsWith("KINDS")
                .hasSize(LaunchKind.values().length + 1);
        assertThat(constants("wire.h", "PLAN_", "<<")).isEqualTo(names(Flag.values()));
        assertThat(constants("wire.h", "ROOT_")).isEqualTo(names(RootKind.values()));
        assertThat(constants("wire.h", "END_")).isEqualTo(names(Report.Reason.values()));
        assertThat(Files.readString(Path.of("src/main/c/wire.h")))
                .contains(
                        "enum phase { PHASE_CLONE, PHASE_MAPS, PHASE_ROOT, PHASE_SETUP, PHASES };");
        assertThat(names(Report.Phase.values())).containsExactly("CLONE", "MAPS", "ROOT", "SETUP");
    }

    private static List<String> names(Enum<?>[] values) {
        return Arrays.stream(values).map(Enum::name).toList();
    }

    private static List<String> constants(String header, String prefix, String... with)
            throws Exception {
        try (Stream<String> lines = Files.lines(Path.of("src/main/c", header))) {
            return lines.map(String::trim)
                    .filter(line -> line.startsWith(prefix))
                    .filter(line -> Arrays.stream(with).allMatch(line::contains))
                    .map(line -> line.split("[ ,=]")[0].substring(prefix.length()))
                    .toList();
        }
    }
}

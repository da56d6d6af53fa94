package dev.seahaven.sandbox.launch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.ids.Accounts;
import dev.seahaven.ids.IdMapping;
import dev.seahaven.ids.Mappings;
import dev.seahaven.launcher.LaunchKind;
import dev.seahaven.launcher.LaunchPlan;
import dev.seahaven.launcher.LauncherException;
import dev.seahaven.launcher.Report;
import dev.seahaven.launcher.Stage;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.problem.Violation;
import dev.seahaven.sandbox.spec.HostBounds;
import dev.seahaven.sandbox.spec.KernelSecurity;
import dev.seahaven.sandbox.spec.LimitsResolver;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxRequest;
import dev.seahaven.sandbox.spec.SandboxSettings;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.sandbox.spec.SecurityResolver;
import dev.seahaven.sandbox.spec.SpecResolver;
import dev.seahaven.seccomp.SeccompCompiler;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.testing.FakeHost;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/** A stage that fails at an item of the plan names the member that the item follows from. */
class LaunchFailuresTest {

    private static final String LONG = ("/" + "x".repeat(200)).repeat(2);

    private SandboxSpec spec;
    private LaunchPlanner.Planned planned;

    @BeforeEach
    void plan(@TempDir Path top) throws Exception {
        JsonMapper json = new JsonMapper();
        SeccompCompiler compiler = new SeccompCompiler(json);
        KernelSecurity kernel = new KernelSecurity(6, false, false);
        try (FakeHost host = new FakeHost(top, FakeHost.Hierarchies.V2)) {
            SandboxSettings settings =
                    new SandboxSettings(
                            top,
                            top,
                            1 << 20,
                            1 << 20,
                            1 << 20,
                            0,
                            524_288,
                            Duration.ofSeconds(1),
                            2,
                            1 << 30,
                            false,
                            false);
            Cgroups cgroups = host.cgroups();
            SandboxRequest request =
                    json.readValue(
                            """
                            {
                              "command": ["true"],
                              "limits": {"openFiles": 100, "rlimits": {"core": 5}},
                              "security": {
                                "maskedPaths": ["/short", "%s"],
                                "readOnlyPaths": ["/etc"],
                                "sysctls": {"net/ipv4/ip_forward": "1"},
                                "landlock": {"read": ["/usr", "/none"], "bindPorts": [80]}
                              }
                            }
                            """
                                    .formatted(LONG),
                            SandboxRequest.class);
            spec =
                    new SpecResolver(
                                    request,
                                    new LimitsResolver(
                                            host.syscalls(),
                                            new HostBounds(host.proc(), cgroups, settings)),
                                    new SecurityResolver(compiler, kernel, false))
                            .sandbox();
            List<IdMapping> ids = List.of(new IdMapping(0, 524_288, 65_536));
            planned =
                    new LaunchPlanner(settings, new HardeningPlanner(compiler, kernel), -1)
                            .plan(
                                    spec,
                                    new LaunchPlanner.Claimed(
                                            new SandboxId("k3v5x2m4qh7d"),
                                            LaunchPlan.Descriptors.NONE,
                                            List.of(),
                                            List.of(),
                                            List.of(),
                                            new Mappings(ids, ids),
                                            new Accounts.Identity(0, 0, List.of(), "/"),
                                            false,
                                            false,
                                            List.of(),
                                            LaunchKind.SANDBOX));
        }
    }

    private RuntimeException explained(Stage stage, int item, Errno errno) {
        return new LaunchFailures(path -> "ext4")
                .explain(
                        spec,
                        planned.members(),
                        new LauncherException(
                                stage,
                                item,
                                new SyscallException("a call, cut where it is", errno)));
    }

    private String member(Stage stage, int item, Errno errno) {
        RuntimeException failure = explained(stage, item, errno);
        assertThat(failure).isInstanceOf(Problem.class);
        Problem problem = (Problem) failure;
        assertThat(problem.type()).isEqualTo(ProblemType.INVALID_REQUEST);
        List<?> violations = (List<?>) Objects.requireNonNull(problem.members().get("violations"));
        return ((Violation) violations.getFirst()).field();
    }

    @Test
    void aLongMaskedPathIsTheRequestsFault() {
        int item = planned.plan().masked().indexOf(LONG);
        assertThat(item).isPositive();
        assertThat(member(Stage.MASKS, item, Errno.ENAMETOOLONG))
                .isEqualTo("security.maskedPaths[1]");
    }

    @Test
    void aReadOnlyPathComesAfterTheMaskedOnes() {
        LaunchPlan plan = planned.plan();
        int item = plan.masked().size() + plan.readOnly().indexOf("/etc");
        assertThat(member(Stage.MASKS, item, Errno.ELOOP)).isEqualTo("security.readOnlyPaths[0]");
    }

    @Test
    void aPathThatTheDaemonHidesOnItsOwnAccountIsNotTheRequestsFault() {
        assertThat(explained(Stage.MASKS, 0, Errno.EINVAL)).isInstanceOf(LauncherException.class);
    }

    @Test
    void eachItemOfTheOtherListsNamesItsMember() {
        LaunchPlan.Hardening hardening = planned.plan().hardening();
        int sysctl = hardening.sysctls().size() - 1;
        assertThat(member(Stage.SYSCTLS, sysctl, Errno.EINVAL))
                .isEqualTo("security.sysctls.net.ipv4.ip_forward");
        int path =
                hardening.landlock().paths().stream()
                        .map(LaunchPlan.LandlockPath::path)
                        .toList()
                        .indexOf("/none");
        assertThat(member(Stage.LANDLOCK, path, Errno.ENOENT))
                .isEqualTo("security.landlock.read[1]");
        assertThat(
                        List.of(
                                member(Stage.RLIMITS, 0, Errno.EPERM),
                                member(Stage.RLIMITS, 1, Errno.EPERM)))
                .contains("limits.rlimits.core");
    }

    @Test
    void whatIsNoItemOfTheRequestStaysAFailureOfTheKernel() {
        assertThat(explained(Stage.PIVOT, Report.Failed.NO_ITEM, Errno.EINVAL))
                .isInstanceOf(LauncherException.class);
        assertThat(explained(Stage.MASKS, Report.Failed.NO_ITEM, Errno.ENOMEM))
                .isInstanceOf(LauncherException.class);
    }
}

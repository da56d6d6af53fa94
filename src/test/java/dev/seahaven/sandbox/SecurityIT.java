package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import tools.jackson.databind.JsonNode;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What a specification asks for in {@code security}: the kernel's word for it, and that it bites.
 */
@ExtendWith(NothingLeft.class)
class SecurityIT {

    private static final String EIO_FOR_MKDIR =
            "{'defaultAction':'SCMP_ACT_ALLOW','architectures':['SCMP_ARCH_X86_64','SCMP_ARCH_AARCH64'],"
                + "'syscalls':[{'names':['mkdir','mkdirat'],'action':'SCMP_ACT_ERRNO','errnoRet':5}]}";

    private final Api api = TestDaemon.shared().api();

    private JsonNode run(String security, String shell) {
        return run(security, shell, "");
    }

    private JsonNode run(String security, String shell, String more) {
        String body =
                "{'command':['/bin/bash','-c',"
                        + "COMMAND],'security':{"
                        + security
                        + "}"
                        + more
                        + "}";
        return api.post("/runs", body.replace('\'', '"').replace("COMMAND", Api.quoted(shell)))
                .expect(200)
                .json();
    }

    private String told(String security, String shell) {
        JsonNode run = run(security, shell);
        return (run.path("stdout").asString() + run.path("stderr").asString()).trim();
    }

    private String door(String door, String security) {
        return told(security, Outside.doors() + " " + door);
    }

    // ---------------------------------------------------------------- seccomp

    @Test
    void aProfilesErrnoIsWhatTheCallAnswers() {
        String mkdir = "mkdir /tmp/x && echo made";
        assertThat(told("", mkdir)).isEqualTo("made");
        assertThat(told("'seccomp':" + EIO_FOR_MKDIR, mkdir)).contains("Input/output error");
        assertThat(told("'seccomp':" + EIO_FOR_MKDIR, "grep Seccomp: /proc/self/status"))
                .isEqualTo("Seccomp:\t2");
        assertThat(told("'seccomp':'unconfined'", "grep Seccomp: /proc/self/status"))
                .isEqualTo("Seccomp:\t0");
    }

    /** Of socket(2) only the family with the number 40, which is AF_VSOCK. */
    @Test
    void aProfileTellsArgumentsApart() {
        String profile =
                "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['socket'],"
                        + "'action':'SCMP_ACT_ERRNO','errnoRet':28,"
                        + "'args':[{'index':0,'value':%d,'op':'SCMP_CMP_EQ'}]}]}";
        assertThat(door("vsock", profile.formatted(40))).isEqualTo("refused ENOSPC");
        assertThat(door("vsock", profile.formatted(41))).isEqualTo("through");
        String masked =
                "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['socket'],"
                        + "'action':'SCMP_ACT_ERRNO','errnoRet':28,'args':[{'index':0,"
                        + "'value':4294967295,'valueTwo':40,'op':'SCMP_CMP_MASKED_EQ'}]}]}";
        assertThat(door("vsock-high-bit", masked)).isEqualTo("refused ENOSPC");
        assertThat(door("vsock-high-bit", profile.formatted(40))).isEqualTo("through");
        // As OCI has it, an unsigned number of 64 bits.
        String whole = masked.replace("4294967295", "18446744073709551615");
        assertThat(door("vsock-high-bit", whole)).isEqualTo("through");
        assertThat(door("vsock", whole)).isEqualTo("refused ENOSPC");
        for (String number : new String[] {"18446744073709551616", "-1"}) {
            api.post(
                            "/runs",
                            ("{'command':['true'],'security':{"
                                            + masked.replace("4294967295", number)
                                            + "}}")
                                    .replace('\'', '"'))
                    .expectViolation("security.seccomp.syscalls[0].args[0].value");
        }
    }

    @Test
    void aProfileCanKillAndCanRefuseByDefault() {
        JsonNode killed =
                run(
                        "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['mkdir',"
                                + "'mkdirat'],'action':'SCMP_ACT_KILL_PROCESS'}]}",
                        "exec mkdir /tmp/x");
        assertThat(killed.path("exit").path("signal").asString()).isEqualTo("SYS");
        JsonNode refused =
                run(
                        "'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':1,'syscalls':["
                            + "{'names':['execve','exit_group'],'action':'SCMP_ACT_ALLOW'}]}",
                        "true");
        assertThat(refused.path("exit").path("exitCode").asInt()).isNotZero();
    }

    /** It was compiled while everybody waited, and in the square of its size. */
    @Test
    void aProfileThatIsTooLargeIsRefusedAtOnce() {
        StringBuilder rules = new StringBuilder();
        for (int i = 0; i < 7000; i++) {
            rules.append(i == 0 ? "" : ",")
                    .append("{'names':['socket'],'action':'SCMP_ACT_ERRNO',")
                    .append("'args':[{'index':0,'value':" + i + ",'op':'SCMP_CMP_EQ'}]}");
        }
        String profile = "{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[" + rules + "]}";
        String body =
                "{'command':['true'],'security':{'seccomp':%s}}"
                        .formatted(profile)
                        .replace('\'', '"');
        assertThat(body.length()).isBetween(600_000, 1 << 20);
        long begun = System.nanoTime();
        api.post("/runs", body).expectViolation("security.seccomp.syscalls");
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(10));
        api.post("/runs", body.replace("'", "").replace("SCMP_ACT_ALLOW", "x".repeat(10 << 20)))
                .expectProblem(413, "too-large");
    }

    // ---------------------------------------------------------------- capabilities

    @Test
    void capabilitiesAreAddedAndDroppedByNameInEachSet() {
        // The eleven are 0x800405fb: without CHOWN (0), with NET_RAW (13).
        assertThat(
                        told(
                                "'capabilities':{'add':['NET_RAW'],'drop':['CHOWN']}",
                                "grep -E 'Cap(Prm|Eff|Bnd|Inh|Amb)' /proc/self/status"))
                .contains("CapInh:\t0000000000000000", "CapAmb:\t0000000000000000")
                .contains("CapPrm:\t00000000800425fa", "CapEff:\t00000000800425fa")
                .contains("CapBnd:\t00000000800425fa");
        String chown = "touch /tmp/x; chown 5 /tmp/x && echo given";
        assertThat(told("", chown)).isEqualTo("given");
        assertThat(told("'capabilities':{'drop':['CAP_CHOWN']}", chown)).contains("not permitted");
        assertThat(told("'capabilities':{'drop':['ALL']}", "grep CapBnd /proc/self/status"))
                .isEqualTo("CapBnd:\t0000000000000000");
    }

    @Test
    void anAmbientCapabilityIsKeptByAnotherUser() {
        String status = "grep -E 'Cap(Eff|Amb)' /proc/self/status | cut -f 2 | tr '\\n' ' '";
        assertThat(
                        run(
                                        "'capabilities':{'ambient':['NET_BIND_SERVICE']}",
                                        status,
                                        ",'user':'1000:1000'")
                                .path("stdout")
                                .asString())
                .isEqualTo("0000000000000400 0000000000000400 ");
    }

    @Test
    void newPrivilegesAreAllowedByWishOnly() {
        String status = "grep NoNewPrivs /proc/self/status";
        assertThat(told("", status)).isEqualTo("NoNewPrivs:\t1");
        assertThat(told("'noNewPrivileges':false", status)).isEqualTo("NoNewPrivs:\t0");
    }

    // ---------------------------------------------------------------- Landlock

    @Test
    void landlockShutsWhatIsNotNamed() {
        String write = "echo x > /tmp/x && echo x > /root/x && echo both";
        assertThat(told("", write)).isEqualTo("both");
        assertThat(told("'landlock':{'read':['/'],'write':['/tmp']}", write))
                .contains("/root/x: Permission denied")
                .doesNotContain("/tmp/x");
        assertThat(
                        told(
                                "'landlock':{'read':['/usr','/bin','/lib','/lib64'],'write':[]}",
                                "cat /etc/hostname"))
                .contains("Permission denied");
    }

    @Test
    void landlockTakesAsManyAsTheListsMayHave() {
        String paths = "'/usr'" + ",'/usr'".repeat(63);
        String ports = "1" + ",1".repeat(63);
        assertThat(
                        told(
                                "'landlock':{'read':["
                                        + paths.replace("/usr", "/")
                                        + "],'write':["
                                        + paths
                                        + "],'bindPorts':["
                                        + ports
                                        + "],'connectPorts':["
                                        + ports
                                        + "]}",
                                "echo fine"))
                .isEqualTo("fine");
    }

    @Test
    void landlockShutsPortsThatAreNotNamed() {
        String connect = "(echo > /dev/tcp/127.0.0.1/81) 2>&1; (echo > /dev/tcp/127.0.0.1/80) 2>&1";
        assertThat(told("", connect)).doesNotContain("Permission denied");
        assertThat(told("'landlock':{'connectPorts':[80]}", connect).lines())
                .anySatisfy(line -> assertThat(line).contains("/81: Permission denied"))
                .anySatisfy(line -> assertThat(line).contains("/80: Connection refused"));
    }

    /** The other order: Landlock and the filter before the credentials (KERNEL.md 17). */
    @Test
    void allOfItGoesTogetherWithNewPrivileges() {
        JsonNode run =
                run(
                        "'noNewPrivileges':false,'landlock':{'read':['/usr','/bin','/lib','/lib64'],"
                            + "'connectPorts':[80]},'capabilities':{'drop':['ALL'],'add':['SETUID'],"
                            + "'ambient':['SETUID']},'seccomp':"
                                + EIO_FOR_MKDIR,
                        "mkdir /tmp/x; cat /etc/hostname; id -u; grep -E"
                                + " 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status",
                        ",'user':'1000:1000'");
        String said = run.path("stdout").asString() + run.path("stderr").asString();
        assertThat(said)
                .contains("Input/output error", "/etc/hostname: Permission denied", "1000\n");
        // proc is not among what Landlock lets be read
        assertThat(said).contains("/proc/self/status: Permission denied");
    }

    @Test
    void modulesThatThisKernelLacksAreToldByName() {
        for (String module : List.of("apparmor", "selinux")) {
            boolean active =
                    Files.exists(
                            Path.of(
                                    module.equals("apparmor")
                                            ? "/sys/kernel/security/apparmor/profiles"
                                            : "/sys/fs/selinux/enforce"));
            if (!active) {
                Api.Answer answer =
                        api.post(
                                "/runs",
                                "{\"command\":[\"true\"],\"security\":{\"" + module + "\":\"x\"}}");
                answer.expectProblem(501, "unsupported-feature");
                assertThat(answer.json().path("feature").asString()).isEqualTo(module);
            }
        }
    }

    // ---------------------------------------------------------------- sysctls

    @Test
    void sysctlsAreThoseOfTheSandboxAlone() {
        String file = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
        String before = Outside.read(file);
        String shared = Outside.read("/proc/sys/kernel/shmmni");
        assertThat(
                        told(
                                "'sysctls':{'net.ipv4.ip_unprivileged_port_start':'77','kernel.shmmni':'88'}",
                                "cat " + file + " /proc/sys/kernel/shmmni"))
                .isEqualTo("77\n88");
        assertThat(List.of(Outside.read(file), Outside.read("/proc/sys/kernel/shmmni")))
                .containsExactly(before, shared);
    }
}

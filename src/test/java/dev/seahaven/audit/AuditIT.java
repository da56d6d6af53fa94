package dev.seahaven.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.testing.Api;
import dev.seahaven.testing.HostProcess;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.context.annotation.Bean;

import tools.jackson.databind.JsonNode;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The audit tells what is open, and nothing that is not. */
@ExtendWith(NothingLeft.class)
class AuditIT {

    private static final List<String> ORDER = List.of("critical", "high", "medium", "low", "info");
    private final Api api = TestDaemon.shared().api();

    private static List<String> ids(JsonNode audit, String... severities) {
        List<String> wanted = severities.length == 0 ? ORDER : List.of(severities);
        List<String> found = new ArrayList<>();
        for (JsonNode finding : audit.path("findings")) {
            if (wanted.contains(finding.path("severity").asString())) {
                found.add(finding.path("id").asString());
            }
        }
        return found;
    }

    /** Of a sandbox with more members, in whose JSON {@code '} may stand for {@code "}. */
    private JsonNode audit(String members) {
        String body = "{'command': ['sleep', '60']%s}".formatted(members);
        String id = api.create(body.replace('\'', '"'));
        try {
            return api.get("/sandboxes/" + id + "/audit").expect(200).json();
        } finally {
            api.destroy(id);
        }
    }

    @Test
    void whatDoesNotRunHasNothingToAudit() {
        String id =
                api.create(
                        """
                        {"command": ["true"]}
                        """);
        api.get("/sandboxes/" + id + "/wait").expect(200);
        api.get("/sandboxes/" + id + "/audit").expectProblem(409, "wrong-state");
        api.destroy(id);
        api.get("/sandboxes/" + id + "/audit").expect(404);
    }

    @Test
    void aSandboxWithAllDefaultsHasNothingAboveInfo() {
        JsonNode audit = audit("");
        assertThat(ids(audit, "critical", "high", "medium", "low")).as(audit.toString()).isEmpty();
        JsonNode layers = audit.path("layers");
        assertThat(audit.path("command").asString()).isEqualTo("sleep");
        assertThat(layers.path("seccomp").path("mode").asString()).isEqualTo("filter");
        assertThat(layers.path("seccomp").path("letsThrough")).isEmpty();
        assertThat(layers.path("capabilities").path("effective")).hasSize(11);
        assertThat(layers.path("capabilities").path("ambient")).isEmpty();
        assertThat(layers.path("cgroup").path("pidsLimit").asInt()).isEqualTo(512);
        assertThat(layers.path("namespaces").path("user").path("isolated").asBoolean()).isTrue();
    }

    @Test
    void eachSwitchThatWeakensIsFound() {
        String pods = "\"namespaces\":{\"pid\":\"host\",\"ipc\":\"host\",\"uts\":\"host\"}";
        assertThat(ids(audit("," + pods)))
                .contains("namespace-pid-shared", "namespace-ipc-shared", "namespace-uts-shared");
        assertThat(ids(audit(",'network':{'mode':'host'}"))).contains("namespace-net-shared");
        assertThat(ids(audit(",'security':{'seccomp':'unconfined'}"))).contains("seccomp-off");
        JsonNode nested = audit(",'security':{'seccomp':'nested-filters'}");
        assertThat(ids(nested, "medium"))
                .contains("nested-filters")
                .doesNotContain("seccomp-lets-through");
        assertThat(nested.path("layers").path("seccomp").path("letsThrough").toString())
                .contains("SO_ATTACH_FILTER", "PR_SET_SECCOMP");
        JsonNode profile =
                audit(
                        ",'security':{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['keyctl'],'action':'SCMP_ACT_ERRNO'}]}}");
        assertThat(ids(profile, "medium")).contains("seccomp-lets-through");
        assertThat(profile.path("layers").path("seccomp").path("letsThrough").toString())
                .contains("\"bpf\"")
                .doesNotContain("\"keyctl\"");
        assertThat(ids(audit(",'security':{'capabilities':{'add':['SYS_ADMIN']}}"), "critical"))
                .contains("capability-sys-admin");
        assertThat(ids(audit(",'security':{'capabilities':{'add':['NET_ADMIN']}}")))
                .contains("capabilities-dangerous");
        assertThat(ids(audit(",'security':{'noNewPrivileges':false}")))
                .contains("no-new-privileges-off");
        assertThat(ids(audit(",'security':{'landlock':{'read':['/']}}")))
                .doesNotContain("landlock-off");
        assertThat(ids(audit(",'security':{'landlock':{}}"))).contains("landlock-off");
        JsonNode ports = audit(",'security':{'landlock':{'bindPorts':[1],'write':['/']}}");
        assertThat(ports.path("layers").path("landlock").asBoolean()).isTrue();
        assertThat(ids(ports)).contains("landlock-off");
        assertThat(ids(audit(",'namespaces':{'time':'new'}"))).contains("namespace-time-shared");
        assertThat(
                        ids(
                                audit(
                                        ",'namespaces':{'time':{'mode':'new','monotonicOffsetSeconds':9,'boottimeOffsetSeconds':9}}")))
                .doesNotContain("namespace-time-shared");
        assertThat(ids(audit(",'rootfs':{'path':'/','readOnly':true}")))
                .doesNotContain("disk-unlimited");
        assertThat(ids(audit(",'security':{'devices':['/dev/fuse']}"))).contains("host-devices");
        JsonNode inside = audit(",'security':{'devices':['/dev/net/tun']}");
        assertThat(inside.path("layers").path("devices").toString()).contains("\"/dev/net/tun\"");
    }

    /** What a filter does with a call was told of arguments that were all zero. */
    @Test
    void whatAFilterLetsThroughWithSomeArgumentsIsTold() {
        String profile =
                ",\"security\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
                    + "{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,%s}]},"
                    + "{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":3,"
                    + "\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]},"
                    + "{\"names\":[\"bpf\"],\"action\":\"SCMP_ACT_TRACE\"},"
                    + "{\"names\":[\"keyctl\"],\"action\":\"SCMP_ACT_ERRNO\"}]}}";
        String equal = "\"value\":40,\"op\":\"SCMP_CMP_EQ\"";
        String masked = "\"value\":4294967295,\"valueTwo\":40,\"op\":\"SCMP_CMP_MASKED_EQ\"";
        assertThat(letsThrough(audit(profile.formatted(equal))))
                .contains(
                        "\"socket AF_VSOCK\"",
                        "\"mount\"",
                        "\"bpf\"") // by a high bit; by flags; by a tracer
                .doesNotContain("\"keyctl\"");
        assertThat(letsThrough(audit(profile.formatted(masked))))
                .doesNotContain("\"socket AF_VSOCK\"");
        String both =
                ",\"security\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":"
                    + "[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\"],\"syscalls\":[{\"names\":[\"socketcall\","
                    + "\"execve\",\"nanosleep\",\"clock_nanosleep\",\"brk\",\"mmap\",\"read\",\"openat\",\"close\","
                    + "\"fstat\",\"newfstatat\",\"pread64\",\"mprotect\",\"munmap\",\"arch_prctl\",\"access\"],"
                    + "\"action\":\"SCMP_ACT_ALLOW\"}]}}";
        if (System.getProperty("os.arch").equals("amd64")) {
            assertThat(letsThrough(audit(both))).contains("\"x86 socket AF_VSOCK\"");
        }
    }

    private static String letsThrough(JsonNode audit) {
        return audit.path("layers").path("seccomp").path("letsThrough").toString();
    }

    /** It was judged by the filter of the sandbox whose pid namespace it was in. */
    @Test
    void whoSharesNamespacesIsJudgedByItself() {
        String one =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        String other =
                api.create(
                        "{\"command\":[\"sleep\",\"60\"],\"init\":false,\"security\":{\"seccomp\":\"unconfined\"},"
                            + "\"namespaces\":{\"pid\":\"sandbox:"
                                + one
                                + "\",\"user\":\"new\"}}");
        int pid = api.pid(other);
        assertThat(Outside.namespace(pid, "pid")).isEqualTo(Outside.namespace(api.pid(one), "pid"));
        JsonNode audit = api.get("/processes/" + pid + "/audit").expect(200).json();
        assertThat(audit.path("sandbox").asString()).isEqualTo(other);
        assertThat(ids(audit))
                .contains(
                        "seccomp-off", "namespace-foreign-owner", "namespace-shared-with-sandbox");
        assertThat(audit.path("layers").path("namespaces").path("pid").path("ownedBy").asLong())
                .isEqualTo(HostProcess.number(Outside.namespace(api.pid(one), "user")));
        JsonNode shared = api.get("/sandboxes/" + one + "/audit").expect(200).json();
        assertThat(ids(shared))
                .contains("namespace-shared-with-sandbox")
                .doesNotContain("seccomp-off");
        api.destroy(other);
        api.destroy(one);
    }

    /** Only the id 0 inside was looked at. */
    @Test
    void anyIdThatLeadsToTheHostsRootIsCritical() throws Exception {
        Path root = Outside.ownRoot();
        try {
            String id =
                    api.create(
                            "{\"command\":[\"/bin/sleep\",\"stubborn\"],\"rootfs\":{\"path\":\""
                                    + root
                                    + "\"},\"namespaces\":{\"user\":{\"mode\":\"new\",\"uidMappings\":["
                                    + "{\"inside\":0,\"outside\":700000000,\"length\":1},"
                                    + "{\"inside\":1,\"outside\":0,\"length\":1}],\"gidMappings\":["
                                    + "{\"inside\":0,\"outside\":700000000,\"length\":1}]}}}");
            JsonNode audit = api.get("/sandboxes/" + id + "/audit").expect(200).json();
            assertThat(ids(audit, "critical")).contains("root-is-host-root");
            api.destroy(id);
        } finally {
            Outside.delete(root);
        }
    }

    @Test
    void whatAChildListensOnTheHostIsToldAndUdpToo() {
        String id =
                api.create(
                        "{\"command\":[\"sh\",\"-c\",\""
                                + Outside.doors()
                                + " listen-udp 34567 & wait\"],\"network\":{\"mode\":\"host\"}}");
        await().until(() -> api.get("/sandboxes/" + id + "/logs").text().contains("ready"));
        JsonNode audit = api.get("/sandboxes/" + id + "/audit").expect(200).json();
        assertThat(ids(audit)).contains("listening-on-host");
        assertThat(audit.path("layers").path("listening").toString()).contains("udp port 34567");
        api.destroy(id);
    }

    @Test
    void anEnginesSocketIsFoundWhereverItIsMounted() throws Exception {
        Path place = Files.createTempDirectory("seahaven-test-engine");
        try (ServerSocketChannel engine = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            engine.bind(UnixDomainSocketAddress.of(place.resolve("docker.sock")));
            Files.createFile(place.resolve("other"));
            try (HostProcess process =
                    HostProcess.sleeping(
                            "exec unshare --mount sh -c 'mount --bind "
                                    + place.resolve("docker.sock")
                                    + " "
                                    + place.resolve("other")
                                    + " && exec sleep 60'")) {
                JsonNode audit =
                        api.get("/processes/" + process.pid() + "/audit").expect(200).json();
                assertThat(ids(audit, "critical")).contains("engine-socket");
                assertThat(audit.path("layers").path("engineSockets").toString())
                        .contains(place.resolve("other").toString());
            }
        } finally {
            Outside.delete(place);
        }
    }

    @Test
    void theHostsProcIsFoundWhereverItIsMounted() throws Exception {
        Path place = Files.createTempDirectory("seahaven-test-proc");
        try (HostProcess process =
                HostProcess.sleeping(
                        "exec unshare --mount sh -c 'mount --bind /proc "
                                + place
                                + " && exec sleep 60'")) {
            JsonNode layers =
                    api.get("/processes/" + process.pid() + "/audit")
                            .expect(200)
                            .json()
                            .path("layers");
            assertThat(layers.path("writableMounts").toString()).contains(place + "/sys (proc)");
            assertThat(layers.path("openKernelPaths").toString()).contains(place + "/interrupts");
        } finally {
            Outside.delete(place);
        }
    }

    @Test
    void aNamespaceThatTheHostOwnsIsToldOfWhoJoinsIt() throws Exception {
        try (HostProcess process = HostProcess.sleeping("exec unshare --uts sleep 60")) {
            String uts = Outside.namespace(process.pid(), "uts").replaceAll("[^0-9]", "");
            String id =
                    api.create(
                            "{\"command\":[\"sleep\",\"60\"],\"namespaces\":{\"uts\":\"namespace:"
                                    + uts
                                    + "\"}}");
            JsonNode audit = api.get("/sandboxes/" + id + "/audit").expect(200).json();
            assertThat(ids(audit)).contains("namespace-foreign-owner");
            assertThat(
                            audit.path("layers")
                                    .path("namespaces")
                                    .path("uts")
                                    .path("ownedBy")
                                    .asString())
                    .isEqualTo(
                            Outside.namespace((int) ProcessHandle.current().pid(), "user")
                                    .replaceAll("[^0-9]", ""));
            api.destroy(id);
        }
    }

    @Test
    void privilegedNeedsThePolicyAndHasThemAll() throws Exception {
        Path hidden = Files.createTempDirectory("seahaven-test-hidden");
        Path root = Files.move(Outside.ownRoot(), hidden.resolve("root"));
        TestDaemon.Places places = TestDaemon.newPlaces();
        List<String> where = new ArrayList<>(places.arguments(0));
        where.add("--seahaven.policy.allow-privileged=true");
        try (TestDaemon daemon = TestDaemon.at(places, where.toArray(String[]::new))) {
            try (ServerSocketChannel engine =
                    ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                engine.bind(UnixDomainSocketAddress.of(root.resolve("run/docker.sock")));
                String spec =
                        "{\"command\":[\"/bin/sleep\",\"stubborn\"],\"rootfs\":{\"path\":\""
                                + root
                                + "\",\"ephemeral\":false},\"security\":{\"privileged\":true,\"devices\":[\"/dev/fuse\"],\"capabilities\":{\"ambient\":[\"SYS_ADMIN\"]}},"
                                + "\"network\":{\"mode\":\"host\"},\"namespaces\":{\"pid\":\"host\",\"user\":\"host\",\"ipc\":\"host\",\"uts\":\"host\",\"cgroup\":\"host\"}}";
                api.post("/sandboxes", spec).expectProblem(403, "forbidden");
                String id = daemon.api().create(spec);
                JsonNode audit = daemon.api().get("/sandboxes/" + id + "/audit").expect(200).json();
                assertThat(ids(audit))
                        .as(audit.toString())
                        .contains(
                                "privileged",
                                "root-is-host-root",
                                "capability-sys-admin",
                                "capabilities-dangerous",
                                "capabilities-ambient",
                                "seccomp-off",
                                "no-new-privileges-off",
                                "namespace-pid-shared",
                                "namespace-net-shared",
                                "namespace-ipc-shared",
                                "namespace-uts-shared",
                                "namespace-cgroup-shared",
                                "engine-socket",
                                "host-devices",
                                "kernel-paths-open",
                                "sensitive-mounts-writable",
                                "lsm-unconfined",
                                "landlock-off");
                List<Integer> severities = new ArrayList<>();
                for (JsonNode finding : audit.path("findings")) {
                    severities.add(ORDER.indexOf(finding.path("severity").asString()));
                    for (String member : List.of("evidence", "attack", "remedy")) {
                        assertThat(finding.path(member).asString()).isNotBlank();
                    }
                }
                assertThat(severities).isSorted();
                daemon.api().destroy(id);
            }
        } finally {
            Outside.delete(hidden);
        }
    }

    @Test
    void anyProcessOfTheHostIsAudited() {
        try (HostProcess process = HostProcess.sleeping("exec sleep 60")) {
            JsonNode audit = api.get("/processes/" + process.pid() + "/audit").expect(200).json();
            assertThat(ids(audit, "critical")).contains("root-is-host-root");
            assertThat(ids(audit)).contains("namespace-mnt-shared", "pids-unlimited");
            assertThat(audit.path("sandbox").isNull()).isTrue();
        }
        try (HostProcess process = HostProcess.sleeping("exec unshare --net sleep 60")) {
            assertThat(ids(api.get("/processes/" + process.pid() + "/audit").expect(200).json()))
                    .doesNotContain("namespace-net-shared")
                    .contains("namespace-pid-shared");
        }
        api.get("/processes/999999999/audit").expect(404);
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        int command = Outside.children(api.pid(id)).getFirst();
        JsonNode audit = api.get("/processes/" + command + "/audit").expect(200).json();
        assertThat(audit.path("sandbox").asString()).isEqualTo(id);
        assertThat(audit.path("layers").path("seccomp").path("letsThrough")).isEmpty();
        api.destroy(id);
    }

    /** Calls of which the reading of any uid_map fails as if no descriptor were left. */
    static class NoUidMap {

        @Bean
        Syscalls syscalls() {
            Syscalls real = new LinuxSyscalls();
            return (Syscalls)
                    Proxy.newProxyInstance(
                            Syscalls.class.getClassLoader(),
                            new Class<?>[] {Syscalls.class},
                            (proxy, method, arguments) -> {
                                if (method.getName().equals("open")
                                        && arguments[0].toString().endsWith("/uid_map")) {
                                    throw new SyscallException(
                                            "open(" + arguments[0] + ")", Errno.EMFILE);
                                }
                                try {
                                    return method.invoke(real, arguments);
                                } catch (InvocationTargetException e) {
                                    throw e.getCause() == null ? e : e.getCause();
                                }
                            });
        }
    }

    @Test
    void whatCannotBeReadIsUnknownAndNotSafe() {
        try (TestDaemon daemon = TestDaemon.startWith(NoUidMap.class);
                HostProcess process =
                        HostProcess.sleeping("exec unshare --user --map-root-user sleep 60")) {
            JsonNode audit =
                    daemon.api().get("/processes/" + process.pid() + "/audit").expect(200).json();
            assertThat(audit.path("unknown").path("uidMappings").asString()).contains("EMFILE");
            assertThat(audit.path("layers").path("uidMappings").isNull()).isTrue();
            assertThat(audit.path("findings").valueStream())
                    .anySatisfy(
                            finding -> {
                                assertThat(finding.path("id").asString())
                                        .isEqualTo("layer-unknown");
                                assertThat(finding.path("evidence").asString())
                                        .contains("uidMappings");
                            });
        }
    }

    /** Two million names were read into memory by each of ten audits. */
    @Test
    void aDirectoryThatIsFilledIsUnknown() {
        Api api = TestDaemon.shared().api();
        String script = "mkdir q(/run/user); mkdir qq(/run/user/$_) for 1..10100; sleep 60";
        String id = api.create("{\"command\":[\"perl\",\"-e\"," + Api.quoted(script) + "]}");
        await().untilAsserted(
                        () ->
                                assertThat(
                                                api.get("/sandboxes/" + id + "/audit")
                                                        .expect(200)
                                                        .json()
                                                        .at("/unknown/engineSockets")
                                                        .asString())
                                        .contains("/run/user", "EOVERFLOW"));
        api.destroy(id);
    }
}

package dev.seahaven.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Every refusal names the field, and leaves nothing behind. */
@ExtendWith(NothingLeft.class)
class BadInputIT {

    /** A name that no file system takes; it has to be a constant. */
    private static final String LONG =
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                    + "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                    + "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
                    + "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";

    private final Api api = TestDaemon.shared().api();

    private Api.Answer create(String members) {
        return api.post("/sandboxes", "{\"command\":[\"true\"]," + members + "}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    "nonsense":1 | nonsense
                    "rootfs":{"path":"/x","nonsense":1} | rootfs.nonsense
                    "image":"debian" | image
                    "limits":{"pids":0} | limits.pids
                    "limits":{"pids":-1} | limits.pids
                    "limits":{"pids":99999999} | limits.pids
                    "limits":{"memoryBytes":0} | limits.memoryBytes
                    "limits":{"memoryBytes":9000000000000000} | limits.memoryBytes
                    "limits":{"memoryBytes":-1} | limits.memoryBytes
                    "limits":{"swapBytes":-1} | limits.swapBytes
                    "limits":{"swapBytes":9000000000000000} | limits.swapBytes
                    "limits":{"cpus":-0.5} | limits.cpus
                    "limits":{"ioWeight":10001} | limits.ioWeight
                    "limits":{"diskBytes":-1} | limits.diskBytes
                    "limits":{"rlimits":{"nproc":-1}} | limits.rlimits.nproc
                    "limits":{"rlimits":{"memlock":9000000000000000}} | limits.rlimits.memlock
                    "limits":{"hugepageBytes":{"2MB":-1}} | limits.hugepageBytes.2MB
                    "limits":{"hugepageBytes":{"2MB":9000000000000000}} | limits.hugepageBytes.2MB
                    "security":{"maskedPaths":["/"]} | security.maskedPaths
                    "security":{"readOnlyPaths":["/"]} | security.readOnlyPaths
                    "security":{"maskedPaths":["/etc/none","/bin/sh"]} | security.maskedPaths[1]
                    "security":{"readOnlyPaths":["/bin"]} | security.readOnlyPaths[0]
                    "limits":{"cpus":0} | limits.cpus
                    "limits":{"cpus":4096} | limits.cpus
                    "limits":{"cpuset":"4000"} | limits.cpuset
                    "limits":{"cpuset":"a-b"} | limits.cpuset
                    "limits":{"ioWeight":0} | limits.ioWeight
                    "limits":{"io":[{"device":"/dev/null"}]} | limits.io[0].device
                    "limits":{"openFiles":0} | limits.openFiles
                    "limits":{"openFiles":2000000000} | limits.openFiles
                    "limits":{"rlimits":{"nofile":5}} | limits.rlimits.nofile
                    "limits":{"rlimits":{"none":5}} | limits.rlimits.none
                    "limits":{"hugepageBytes":{"3MB":5}} | limits.hugepageBytes.3MB
                    "limits":{"diskBytes":1} | limits.diskBytes
                    "limits":{"colour":1} | limits.colour
                    "security":{"capabilities":{"add":["FLY"]}} | security.capabilities.add[0]
                    "security":{"capabilities":{"ambient":["SYS_ADMIN"]}} | security.capabilities.ambient
                    "security":{"seccomp":"loose"} | security.seccomp
                    "security":{"seccomp":{"defaultAction":"NO"}} | security.seccomp.defaultAction
                    "security":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW",\
                    "architectures":["SCMP_ARCH_PDP11"]}} | security.seccomp.architectures[0]
                    "security":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW",\
                    "syscalls":[{"names":["fly"],\
                    "action":"SCMP_ACT_ERRNO"}]}} | security.seccomp.syscalls[0].names[0]
                    "security":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW",\
                    "syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","args":[{"index":9,\
                    "value":1,"op":"SCMP_CMP_EQ"}]}]}} | security.seccomp.syscalls[0].args[0].index
                    "security":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW",\
                    "syscalls":[{"names":["bpf"],"action":"SCMP_ACT_ERRNO",\
                    "excludes":{"caps":["CAP_BPF"]}}]}} | security.seccomp.syscalls[0]
                    "security":{"sysctls":{"kernel.core_pattern":"x"}} | security.sysctls.kernel.core_pattern
                    "security":{"sysctls":{"net.ipv4.none":"1"}} | security.sysctls.net.ipv4.none
                    "security":{"sysctls":{"net.ipv4.conf":"1"}} | security.sysctls.net.ipv4.conf
                    "security":{"sysctls":{"net.ipv4.ip_forward":"zz"}} | security.sysctls.net.ipv4.ip_forward
                    "security":{"devices":["/dev/ptmx"]} | security.devices[0].path
                    "security":{"devices":["/dev/stdin"]} | security.devices[0].path
                    "security":{"seccomp":{"defaultAction":"SCMP_ACT_TRACE"}} | security.seccomp
                    "security":{"sysctls":{"net/../kernel/core_pattern":"x"}} \
                    | security.sysctls.net/../kernel/core_pattern
                    "network":{"mode":"host"},\
                    "security":{"sysctls":{"net.ipv4.ip_forward":"1"}} | security.sysctls.net.ipv4.ip_forward
                    "security":{"devices":["/etc/passwd"]} | security.devices[0].path
                    "security":{"devices":["/dev/none"]} | security.devices[0].path
                    "security":{"devices":["/dev/pts"]} | security.devices[0].path
                    "security":{"devices":[{"path":"/dev/fuse",\
                    "permissions":"x"}]} | security.devices[0].permissions
                    "security":{"maskedPaths":["../etc"]} | security.maskedPaths[0]
                    "security":{"landlock":{"read":["/none"]}} | security.landlock.read[0]
                    "security":{"landlock":{"connectPorts":[70000]}} | security.landlock.connectPorts[0]
                    "mounts":[] | mounts
                    "restart":{} | restart
                    "terminal":true | terminal
                    "network":{"mode":"none","ports":[]} | network.ports
                    "network":{"mode":"bridge"} | network.mode
                    "network":{"mode":"x"} | network.mode
                    "network":{"mode":"sandbox"} | network.join
                    "network":{"mode":"none","join":"x"} | network.join
                    "init":"yes" | init
                    "init":1 | init
                    "name":5 | name
                    "env":[] | env
                    "env":{"A":5} | env.A
                    "env":{"A=B":"x"} | env.A=B
                    "env":{"A":null} | env.A
                    "timeoutSeconds":"5" | timeoutSeconds
                    "timeoutSeconds":0 | timeoutSeconds
                    "timeoutSeconds":-1 | timeoutSeconds
                    "name":"-upper" | name
                    "name":"-a" | name
                    "name":"123" | name
                    "name":"a/b" | name
                    "hostname":"a b" | hostname
                    "hostname":"x","namespaces":{"uts":"host"} | hostname
                    "workingDirectory":"etc" | workingDirectory
                    "workingDirectory":"/no/such" | workingDirectory
                    "workingDirectory":"/etc/os-release" | workingDirectory
                    "workingDirectory":"/proc/self/fd/7" | workingDirectory
                    "workingDirectory":"/proc/self/fd/3" | workingDirectory
                    "user":"nosuchuser" | user
                    "user":"0:nosuchgroup" | user
                    "user":"70000" | user
                    "user":"" | user
                    "stopSignal":"NONE" | stopSignal
                    "stdin":"x" | stdin
                    "rootfs":{} | rootfs.path
                    "rootfs":{"path":"srv"} | rootfs.path
                    "rootfs":{"path":"/srv/../etc"} | rootfs.path
                    "rootfs":{"path":"/no/such"} | rootfs.path
                    "rootfs":{"path":"/etc/os-release"} | rootfs.path
                    "rootfs":{"path":"/etc/passwd"} | rootfs.path
                    "rootfs":{"path":"/bin"} | rootfs.path
                    "rootfs":{"path":"/","ephemeral":false} | rootfs.path
                    "rootfs":{"path":"/var","ephemeral":false} | rootfs.path
                    "rootfs":{"path":"/opt","ephemeral":false} | rootfs.path
                    "rootfs":{"path":"/var"},"namespaces":{"user":"host"} | rootfs.path
                    "namespaces":{"pid":"old"} | namespaces.pid
                    "namespaces":{"user":"host"} | namespaces.user
                    "namespaces":{"user":{"mode":"host","uidMappings":[{"inside":0,"outside":1,\
                    "length":1}]}} | namespaces.user.uidMappings
                    "namespaces":{"user":{"gidMappings":[{"inside":0,"outside":900000,\
                    "length":1}]}} | namespaces.user.uidMappings
                    "namespaces":{"user":{"uidMappings":[{"inside":0,"outside":0,\
                    "length":65536}]}} | namespaces.user
                    "namespaces":{"user":{"uidMappings":[{"inside":1,"outside":700000,\
                    "length":5}]}} | namespaces.user.uidMappings
                    "namespaces":{"user":{"uidMappings":[{"inside":0,"outside":700000,\
                    "length":5},{"inside":4,"outside":800000,"length":5}]}} | namespaces.user.uidMappings[1]
                    "namespaces":{"user":{"uidMappings":[{"inside":0,"outside":4294967295,\
                    "length":5}]}} | namespaces.user.uidMappings[0]
                    "namespaces":{"user":{"uidMappings":[{"inside":0,\
                    "outside":7}]}} | namespaces.user.uidMappings[0]
                    "namespaces":{"user":"sandbox:none"} | namespaces.user
                    "namespaces":{"pid":"sandbox:none"} | namespaces.pid
                    "network":{"mode":"sandbox","join":"none"} | network.join
                    "namespaces":{"ipc":"namespace:none"} | namespaces.ipc
                    "namespaces":{"time":{"monotonicOffsetSeconds":5}} | namespaces.time.monotonicOffsetSeconds
                    "namespaces":{"time":{"mode":"new",\
                    "boottimeOffsetSeconds":9223372036854775807}} | namespaces.time.boottimeOffsetSeconds
                    "namespaces":{"time":{"mode":"new","monotonicOffsetSeconds":-100000000}} | namespaces.time
                    "rootfs":{"path":"/opt"},"namespaces":{"mount":"host"} | rootfs
                    "network":{"mode":"namespace","join":"none"} | network.join
                    "labels":{"a":"x\\u0000"} | labels.a
                    "env":{"A":"x\\u0000"} | env.A
                    "user":"a\\u0000" | user
                    "rootfs":{"path":"/srv\\u0000"} | rootfs.path
                    "workingDirectory":"/\\u0000" | workingDirectory
                    "name":"a\\u0000b" | name
                    "hostname":"a\\u0000b" | hostname
                    "namespaces":{"pid":"sandbox:\\u0000"} | namespaces.pid
                    """)
    void aWrongMemberIsNamed(String members, String field) {
        create(members).expectViolation(field);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {} | command
                    {"command":[]} | command
                    {"command":"true"} | command
                    {"command":[""]} | command[0]
                    {"command":[null]} | command[0]
                    {"command":[5]} | command[0]
                    {"command":["a\\u0000b"]} | command[0]
                    """)
    void aCommandIsNeeded(String body, String field) {
        api.post("/sandboxes", body).expectViolation(field);
        api.post("/runs", body).expectViolation(field);
    }

    @Test
    void aPathThatIsTooLongIsRefused() {
        create(
                        """
                        "security":{"devices":["/dev/%s"]}
                        """
                                .formatted(LONG))
                .expectViolation("security.devices[0].path");
        create(
                        """
                        "security":{"maskedPaths":["/%s"]}
                        """
                                .formatted(LONG))
                .expectViolation("security.maskedPaths[0]");
        create(
                        """
                        "security":{"landlock":{"read":["/%s"]}}
                        """
                                .formatted(LONG))
                .expectViolation("security.landlock.read[0]");
        create(
                        """
                        "limits":{"io":[{"device":"/%s","readBytesPerSecond":1}]}
                        """
                                .formatted(LONG))
                .expectViolation("limits.io[0].device");
    }

    @Test
    void aRateOfNothingAndADeviceThatStandsTwiceAreRefused() {
        String device = "{\"device\":\"" + Path.of("/sys/dev/block").toFile().list()[0] + "\"";
        String rate = device + ",\"readBytesPerSecond\":1000000}";
        create("\"limits\":{\"io\":[" + device + "}]}").expectViolation("limits.io[0]");
        create("\"limits\":{\"io\":[" + rate + "," + rate + "]}")
                .expectViolation("limits.io[1].device");
    }

    @Test
    void allThatIsWrongIsToldAtOnce() {
        create("\"name\":\"A\",\"nope\":1,\"neither\":2,\"timeoutSeconds\":-1,\"user\":\"\"")
                .expectViolation("nope")
                .expectViolation("neither");
        create("\"name\":\"_\",\"timeoutSeconds\":-1,\"user\":\"\"")
                .expectViolation("name")
                .expectViolation("timeoutSeconds")
                .expectViolation("user");
    }

    @Test
    void absentAndNullAreTheSame() {
        create("\"image\":null,\"limits\":null,\"name\":null,\"start\":false,\"env\":null")
                .expect(201);
        String id =
                api.get("/sandboxes?limit=1000").json().path("items").path(0).path("id").asString();
        api.destroy(id);
    }

    @Test
    void aBodyThatIsNoDocumentIsMalformed() {
        for (String body :
                new String[] {
                    "{\"command\":[\"true\"]",
                    "",
                    "x",
                    "{\"command\":[\"true\"]} {}",
                    "{\"command\":[\"true\"],\"command\":[]}"
                }) {
            api.post("/sandboxes", body).expectProblem(400, "malformed-body");
        }
        api.post("/sandboxes", "[]").expect(400);
        for (String deep :
                new String[] {"[".repeat(600), "{\"timeoutSeconds\":" + "1".repeat(5000) + "}"}) {
            Api.Answer answer = api.post("/sandboxes", deep);
            answer.expectProblem(400, "malformed-body");
            assertThat(answer.json().path("detail").asString())
                    .contains("exceeds the maximum allowed")
                    .doesNotContain("StreamReadConstraints");
        }
    }

    @Test
    void aRootOfTheDaemonsOwnStateIsRefused() {
        Path state = TestDaemon.shared().places().state();
        create("\"rootfs\":{\"path\":\"" + state + "\"}").expectViolation("rootfs.path");
        create("\"rootfs\":{\"path\":\"" + TestDaemon.shared().places().run() + "\"}")
                .expectViolation("rootfs.path");
    }

    @Test
    void aLinkIsNoRoot() throws Exception {
        Path link = Path.of("/opt/seahaven-test-link");
        Files.createSymbolicLink(link, Path.of("/usr"));
        try {
            create("\"rootfs\":{\"path\":\"" + link + "\"}").expectViolation("rootfs.path");
            create("\"rootfs\":{\"path\":\"" + link + "/share\"}").expectViolation("rootfs.path");
        } finally {
            Files.delete(link);
        }
    }

    @Test
    void aReadOnlyRootNeedsItsMountPoints() throws Exception {
        Path root = Files.createTempDirectory(Path.of("/opt"), "seahaven-test");
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
        try {
            create("\"rootfs\":{\"path\":\"" + root + "\",\"ephemeral\":false,\"readOnly\":true}")
                    .expectViolation("rootfs.path");
            Files.createSymbolicLink(root.resolve("dev"), Path.of("/etc"));
            create("\"rootfs\":{\"path\":\"" + root + "\"}").expectViolation("rootfs.path");
            Files.delete(root.resolve("dev"));
            for (String file : List.of("sys", "proc", "dev")) {
                Files.createFile(root.resolve(file));
                create("\"rootfs\":{\"path\":\"" + root + "\",\"ephemeral\":true}")
                        .expectViolation("rootfs.path");
                Files.delete(root.resolve(file));
            }
        } finally {
            Outside.delete(root);
        }
    }

    @Test
    void aNamespaceOfTheWrongTypeIsAConflict() {
        String net = Outside.namespace("self", "net").replaceAll("\\D", "");
        create("\"namespaces\":{\"ipc\":\"namespace:" + net + "\"}")
                .expectProblem(409, "wrong-namespace-type");
    }

    @Test
    void twoMebibytesAreTooMuch() {
        api.post("/sandboxes", "{\"command\":[\"" + "x".repeat(2 << 20) + "\"]}")
                .expectProblem(413, "too-large");
        api.send(
                        api.request("/sandboxes")
                                .header("Content-Type", "application/json")
                                .POST(
                                        java.net.http.HttpRequest.BodyPublishers.ofInputStream(
                                                () ->
                                                        new java.io.ByteArrayInputStream(
                                                                ("{\"name\":\""
                                                                                + "x"
                                                                                        .repeat(
                                                                                                2
                                                                                                        << 20)
                                                                                + "\"}")
                                                                        .getBytes(
                                                                                java.nio.charset
                                                                                        .StandardCharsets
                                                                                        .UTF_8)))))
                .expectProblem(413, "too-large");
    }

    /** What was refused for "user": "host" was had by way of a sandbox that has it. */
    @Test
    void theDaemonsStateIsNotShownToWhoSharesTheHostsIds() throws Exception {
        Path root = Outside.ownRoot();
        try {
            String owner =
                    api.create(
                            "{\"command\":[\"/bin/sleep\",\"stubborn\"],\"rootfs\":{\"path\":\""
                                    + root
                                    + "\"},\"namespaces\":{\"user\":\"host\"}}");
            create(
                            "\"rootfs\":{\"path\":\"/var\"},\"namespaces\":{\"user\":\"sandbox:"
                                    + owner
                                    + "\"}")
                    .expectViolation("rootfs.path");
            create("\"namespaces\":{\"user\":\"sandbox:" + owner + "\"}")
                    .expectViolation("namespaces.user");
            api.destroy(owner);
        } finally {
            Outside.delete(root);
        }
    }

    @Test
    void aHundredThousandVariablesAreTooMany() {
        String env =
                IntStream.range(0, 100_000)
                        .mapToObj(i -> "\"" + Integer.toString(i, 36) + "\":\"\"")
                        .collect(Collectors.joining(","));
        Api.Answer answer = create("\"env\":{" + env + "}");
        assertThat(answer.text()).contains("at most 10000");
        answer.expectViolation("env");
    }

    @Test
    void tooManyArgumentBytesAreRefused() {
        create("\"env\":{\"A\":\"" + "x".repeat(200_000) + "\"}").expectViolation("env");
        String many =
                IntStream.range(0, 6)
                        .mapToObj(i -> "\"A" + i + "\":\"" + "x".repeat(100_000) + "\"")
                        .collect(Collectors.joining(","));
        create("\"env\":{" + many + "}").expectViolation("command");
    }

    @ParameterizedTest
    @CsvSource({"2000000000", "200000"})
    void aMappingThatAnotherSandboxHasIsRefused(String outside) {
        String mapping =
                "\"namespaces\":{\"user\":{\"uidMappings\":[{\"inside\":0,\"outside\":"
                        + outside
                        + ",\"length\":1000}]}}";
        String id = create("\"start\":false," + mapping).expect(201).json().path("id").asString();
        create(mapping).expectViolation("namespaces.user.uidMappings");
        api.destroy(id);
        api.destroy(create("\"start\":false," + mapping).expect(201).json().path("id").asString());
    }
}

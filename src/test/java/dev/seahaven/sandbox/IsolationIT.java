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
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What a default sandbox is isolated from, looked at from outside. */
@ExtendWith(NothingLeft.class)
class IsolationIT {

    private final Api api = TestDaemon.shared().api();

    private Set<String> newNamespaces(int pid) {
        return Outside.TYPES.stream()
                .filter(
                        type ->
                                !Outside.namespace(pid, type)
                                        .equals(Outside.namespace("self", type)))
                .collect(Collectors.toSet());
    }

    @Test
    void aSandboxHasSevenNewNamespacesByDefault() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        int pid = api.pid(id);

        assertThat(newNamespaces(pid))
                .containsExactlyInAnyOrder("cgroup", "ipc", "mnt", "net", "pid", "user", "uts");
        String seen = Outside.run("lsns", "--noheadings", "--output", "TYPE", "--task", "" + pid);
        assertThat(seen.lines().map(String::trim))
                .containsExactlyInAnyOrderElementsOf(Outside.TYPES);
        JsonNode isolation = api.get("/sandboxes/" + id).json().path("isolation");
        for (String type : Outside.TYPES) {
            assertThat(type + ":[" + isolation.path(type).path("id").asLong() + "]")
                    .isEqualTo(Outside.namespace(pid, type));
            assertThat(isolation.path(type).path("isolated").asBoolean())
                    .isEqualTo(!type.equals("time"));
        }
        api.destroy(id);
    }

    @Test
    void withTimeNewItHasEightAndItsOwnClocks() {
        String id =
                api.create(
                        """
                        {
                          "command": ["sleep", "60"],
                          "namespaces": {
                              "time": {"mode": "new", "monotonicOffsetSeconds": 86400, "boottimeOffsetSeconds": 1000000}

                            }
                        }
                        """);
        int pid = api.pid(id);

        assertThat(newNamespaces(pid)).hasSize(8);
        assertThat(Outside.read("/proc/" + pid + "/timens_offsets"))
                .containsPattern("monotonic\\s+86400\\s+0")
                .containsPattern("boottime\\s+1000000\\s+0");
        api.destroy(id);
        JsonNode run =
                api.post(
                                "/runs",
                                "{\"command\":[\""
                                        + Outside.probe()
                                        + "\",\"clocks\"],\"namespaces\":{\"time\":{\"mode\":\"new\",\"monotonicOffsetSeconds\":-5,\"boottimeOffsetSeconds\":7200}}}")
                        .expect(200)
                        .json();
        String[] inside = run.path("stdout").asString().trim().split(" ");
        String[] outside = Outside.run(Outside.probe(), "clocks").trim().split(" ");
        assertThat(Long.parseLong(inside[0]) - Long.parseLong(outside[0])).isBetween(-7L, -4L);
        assertThat(Long.parseLong(inside[1]) - Long.parseLong(outside[1])).isBetween(7198L, 7201L);
        assertThat(run.path("timing").path("runMillis").asDouble()).isBetween(0.0, 4000.0);
        assertThat(run.path("timing").path("setupMillis").asDouble()).isBetween(0.0, 4000.0);
    }

    @Test
    void pidOneIsTheInitAndCannotBeLookedInto() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        int pid = api.pid(id);

        assertThat(Outside.read("/proc/" + pid + "/status"))
                .containsPattern("NSpid:\\s+" + pid + "\\s+1\n");
        assertThat(Outside.children(pid)).hasSize(1);
        assertThat(Outside.read("/proc/" + Outside.children(pid).getFirst() + "/cmdline"))
                .startsWith("sleep");
        api.destroy(id);
        String probed =
                api.shell("cat /proc/1/environ 2>&1; " + Outside.probe() + " dumpable 1; true");
        assertThat(probed).contains("Permission denied").doesNotContain("open\n");
    }

    @Test
    void withoutInitTheCommandIsPidOne() {
        assertThat(
                        api.post(
                                        "/runs",
                                        """
                                        {"init": false, "command": ["/bin/sh", "-c", "echo $$"]}
                                        """)
                                .expect(200)
                                .json()
                                .path("stdout")
                                .asString())
                .isEqualTo("1\n");
    }

    @Test
    void whatOnlyRootOrAGroupMayReadCannotBeReadInside() throws Exception {
        Path open = Files.createDirectory(Path.of("/usr/local/seahaven-canary"));
        Path secret = open.resolve("secret");
        Path group = open.resolve("group");
        try {
            Files.writeString(secret, "canary-0600");
            Files.writeString(group, "canary-0640");
            Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
            Files.setPosixFilePermissions(group, PosixFilePermissions.fromString("rw-r-----"));
            Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxr-xr-x"));
            String tries =
                    api.shell(
                            "cd /usr/local/seahaven-canary; ls; for f in secret group; do cat $f;"
                                + " ln $f /tmp/l-$f; cat /tmp/l-$f; mv $f /tmp/m-$f; cat /tmp/m-$f;"
                                + " chmod 777 $f; chown 0:0 $f; cp $f /tmp/c-$f; cat /tmp/c-$f;"
                                + " done 2>&1; mv /usr/local/seahaven-canary /etc/canary; cat"
                                + " /etc/canary/* 2>&1; cat /etc/shadow 2>&1; true");
            assertThat(tries).contains("secret", "group", "Permission denied");
            assertThat(tries).doesNotContain("canary-0600", "canary-0640", "root:");
            assertThat(secret).hasContent("canary-0600");
            assertThat(group).hasContent("canary-0640");
        } finally {
            Outside.delete(open);
        }
    }

    @Test
    void theInsideRootIsNobodyOnTheHost() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        String status = Outside.read("/proc/" + api.pid(id) + "/status");
        assertThat(status).containsPattern("Uid:\\s+(52428[89]|5[3-9]\\d{4}|\\d{7,})\\s");
        assertThat(Outside.read("/proc/" + api.pid(id) + "/uid_map"))
                .containsPattern("\\s0\\s+\\d{6,}\\s+65536");
        api.destroy(id);
    }

    @Test
    void mappingsAreThoseThatWereAskedFor() {
        String id =
                api.create(
                        """
                        {
                          "command": ["sleep", "60"],
                          "namespaces": {
                              "user": {
                                  "mode": "new",
                                  "uidMappings": [
                                      {"inside": 0, "outside": 3000000000, "length": 10},
                                      {"inside": 1000, "outside": 3000001000, "length": 1}
                                    ],
                                  "gidMappings": [{"inside": 0, "outside": 3100000000, "length": 5}]
                                }
                            }
                        }
                        """);
        int pid = api.pid(id);
        assertThat(
                        Outside.read("/proc/" + pid + "/uid_map")
                                .lines()
                                .map(line -> line.trim().split("\\s+")))
                .containsExactly(
                        new String[] {"0", "3000000000", "10"},
                        new String[] {"1000", "3000001000", "1"});
        assertThat(Outside.read("/proc/" + pid + "/gid_map").trim().split("\\s+"))
                .containsExactly("0", "3100000000", "5");
        api.destroy(id);
    }

    @Test
    void whatIsWrittenInsideDoesNotAppearOutside() throws Exception {
        Path release = Path.of("/etc/os-release");
        String before = Files.readString(release);
        assertThat(
                        api.shell(
                                "echo x > /seahaven-marker && echo y > /etc/seahaven-marker && echo"
                                        + " z > /var/seahaven-marker && echo t > /tmp/m && rm"
                                        + " /etc/os-release && echo mine > /etc/os-release && cat"
                                        + " /etc/os-release"))
                .isEqualTo("mine\n");
        for (String place :
                List.of("/seahaven-marker", "/etc/seahaven-marker", "/var/seahaven-marker")) {
            assertThat(Path.of(place)).doesNotExist();
        }
        assertThat(release).hasContent(before);
    }

    @Test
    void homeRootRunAndTmpStartEmpty() {
        assertThat(
                        api.shell(
                                "ls -A /root /home /run /tmp /var/tmp | grep -v ':$' | grep . ||"
                                        + " true"))
                .isEmpty();
    }

    @Test
    void hostNameLoopbackAndEnvironmentAreItsOwn() {
        JsonNode run =
                api.post(
                                "/runs",
                                """
                                {
                                  "hostname": "Truman",
                                  "env": {"LANG": "C.UTF-8"},
                                  "command": ["/bin/sh", "-c", "hostname; env | sort; ip -o addr"]
                                }
                                """)
                        .expect(200)
                        .json();
        assertThat(run.path("stdout").asString())
                .startsWith("Truman\nHOME=/root\nLANG=C.UTF-8\nPATH=")
                .contains("127.0.0.1/8")
                .doesNotContain("TOKEN", "JAVA", "eth0");
        assertThat(Outside.run("hostname")).isNotEqualTo("Truman\n");
    }

    @Test
    void anOrphanIsReaped() {
        assertThat(
                        api.post("/runs", "{\"command\":[\"" + Outside.probe() + "\",\"orphan\"]}")
                                .expect(200)
                                .json()
                                .path("stdout")
                                .asString())
                .isEqualTo("reaped\n");
    }

    @Test
    void nothingIsInheritedButThreeDescriptors() {
        assertThat(
                        api.post(
                                        "/runs",
                                        "{\"command\":[\""
                                                + Outside.probe()
                                                + "\",\"descriptors\"]}")
                                .expect(200)
                                .json()
                                .path("stdout")
                                .asString()
                                .lines())
                .containsExactlyInAnyOrder("0", "1", "2");
    }

    @Test
    void capabilitiesAreTheElevenAndThereAreNoNewPrivileges() {
        assertThat(api.shell("grep -E 'Cap|NoNew' /proc/self/status"))
                .contains("CapInh:\t0000000000000000", "CapAmb:\t0000000000000000")
                .contains("CapPrm:\t00000000800405fb", "CapEff:\t00000000800405fb")
                .contains("CapBnd:\t00000000800405fb", "NoNewPrivs:\t1");
    }

    @Test
    void anotherUserHasNoCapabilities() {
        JsonNode run =
                api.post(
                                "/runs",
                                """
                                {
                                  "user": "1000:1001",
                                  "command": ["/bin/sh", "-c", "id -u; id -g; grep CapEff /proc/self/status"]
                                }
                                """)
                        .expect(200)
                        .json();
        assertThat(run.path("stdout").asString())
                .isEqualTo("1000\n1001\nCapEff:\t0000000000000000\n");
    }

    @Test
    void kernelPathsAreMaskedOrReadOnlyAndDevicesAreTheHarmlessOnes() {
        assertThat(
                        api.shell(
                                "cat /proc/interrupts /proc/keys /proc/timer_list | wc -c; ls"
                                        + " /sys/firmware /proc/acpi | grep -vc :; (echo x >"
                                        + " /proc/sys/kernel/hostname) 2>&1; (mkdir /sys/x) 2>&1;"
                                        + " true"))
                .startsWith("0\n")
                .contains("Read-only file system");
        assertThat(
                        api.shell(
                                        "for d in /dev/[!s]* /dev/pts/*; do [ -c $d ] && echo $d; ["
                                                + " -b $d ] && echo $d; done; true")
                                .lines())
                .containsExactlyInAnyOrder(
                        "/dev/full",
                        "/dev/null",
                        "/dev/ptmx",
                        "/dev/pts/ptmx",
                        "/dev/random",
                        "/dev/tty",
                        "/dev/urandom",
                        "/dev/zero");
        assertThat(
                        api.shell(
                                "echo x > /dev/null; head -c 4 /dev/zero | wc -c; stat -c %F"
                                        + " /dev/shm /dev/mqueue"))
                .isEqualTo("4\ndirectory\ndirectory\n");
        assertThat(api.shell("mount | grep -E ' (/|/dev/shm|/proc|/sys) '"))
                .containsPattern(" / type overlay \\(rw,nodev")
                .containsPattern(" /sys type sysfs \\(ro,nosuid,nodev,noexec")
                .containsPattern(" /proc type proc \\(rw,nosuid,nodev,noexec");
    }

    @Test
    void theHostsMountsAreGone() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        List<String> points =
                Outside.read("/proc/" + api.pid(id) + "/mountinfo")
                        .lines()
                        .map(line -> line.split(" ")[4])
                        .toList();
        assertThat(points)
                .doesNotContain("/host", "/devices", "/work", "/empty")
                .containsOnlyOnce("/")
                .allMatch(point -> point.matches("/|/(dev|proc|sys)(/.*)?"));
        api.destroy(id);
    }

    @Test
    void ofControlGroupsOnlyItsOwnIsThereAndNothingCanBeChanged() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        assertThat(Outside.read("/proc/" + api.pid(id) + "/mountinfo").lines())
                .filteredOn(line -> line.contains(" - cgroup"))
                .isNotEmpty()
                .allMatch(
                        line ->
                                line.split(" ")[3].endsWith("/" + id)
                                        || line.split(" ")[3].endsWith("/default-limits"))
                .allMatch(line -> line.split(" ")[5].startsWith("ro,nosuid,nodev"));
        api.destroy(id);
    }

    /** The daemon's JVM opens its jars without close-on-exec, and the launcher once kept them. */
    @Test
    void monitorsHoldWhatTheyNeedAndNothingOfTheDaemons() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        String status = Outside.read("/proc/" + api.pid(id) + "/status");
        String monitor =
                status.lines()
                        .filter(line -> line.startsWith("PPid:"))
                        .findFirst()
                        .orElseThrow()
                        .replaceAll("\\D", "");
        String open = Outside.run("find", "/proc/" + monitor + "/fd", "-printf", "%l\n");
        assertThat(open).doesNotContain(".jar", "random");
        assertThat(open.lines().count()).isLessThan(32);
        assertThat(Outside.run("find", "/proc/" + api.pid(id) + "/fd", "-printf", "%l\n").strip())
                .containsPattern("^/proc/\\d+/fd|^pipe:")
                .doesNotContain("socket", "/dev/null");
        api.destroy(id);
    }

    @Test
    void theLauncherRunsFromSealedMemory() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        assertThat(Outside.run("readlink", "/proc/" + api.pid(id) + "/exe"))
                .isEqualTo("/memfd:seahaven-launcher (deleted)\n");
        assertThat(api.shell("(echo x > /proc/1/exe) 2>&1; readlink /proc/1/exe 2>&1; true"))
                .contains("Permission denied");
        api.destroy(id);
    }

    @Test
    void pid1InsideIsCalledInitAndCanGainNoCapability() {
        String id =
                api.create(
                        """
                        {"command": ["sleep", "60"]}
                        """);
        String init = "/proc/" + api.pid(id);
        assertThat(Outside.read(init + "/comm")).isEqualTo("init\n");
        assertThat(Outside.read(init + "/cmdline").replace("\0", "")).isEqualTo("init");
        assertThat(Outside.read(init + "/status")).containsPattern("CapBnd:\\s+0{16}\n");
        assertThat(api.shell("cat /proc/1/comm; tr -d '\\0' < /proc/1/cmdline"))
                .isEqualTo("init\ninit");
        api.destroy(id);
    }
}

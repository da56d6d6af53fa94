package dev.seahaven.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.isolation.AuditResponse.Cgroup;
import dev.seahaven.isolation.AuditResponse.Layers;
import dev.seahaven.isolation.AuditResponse.Namespace;
import dev.seahaven.isolation.AuditResponse.Seccomp;
import dev.seahaven.isolation.Finding.Severity;
import dev.seahaven.sandbox.HardenedSandboxes.Hardened;
import dev.seahaven.syscall.Capability;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Every finding there is can be found, and a process that is shut off has none. */
class ChecksTest {

    private static final List<String> TYPES =
            List.of("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts");

    private static Map<String, Namespace> namespaces(boolean isolated, @Nullable Long ownedBy) {
        Map<String, Namespace> namespaces = new TreeMap<>();
        TYPES.forEach(type -> namespaces.put(type, new Namespace(1, isolated, ownedBy)));
        return namespaces;
    }

    private static Hardened sandbox(boolean weak) {
        return new Hardened(
                "k3v9x2m4qh7d",
                2,
                List.of(1, 2),
                weak,
                new byte[0],
                !weak,
                !weak,
                !weak,
                weak ? List.of("other") : List.of());
    }

    private static Facts open(Seccomp seccomp, Map<String, Namespace> namespaces) {
        return new Facts(
                new Layers(
                        namespaces,
                        List.of(),
                        Map.of(),
                        seccomp,
                        false,
                        null,
                        false,
                        new Cgroup(Map.of(), true, null, null, null),
                        List.of("/sys (sysfs)"),
                        List.of("/proc/kcore"),
                        List.of("/run/docker.sock"),
                        List.of("/dev/sda"),
                        List.of("tcp port 80")),
                EnumSet.allOf(Capability.class),
                EnumSet.allOf(Capability.class),
                true,
                true,
                false,
                sandbox(true));
    }

    private static Set<String> ids(Facts facts) {
        return Checks.of(facts).stream().map(Finding::id).collect(Collectors.toSet());
    }

    @Test
    void everyIdOfTheSourceIsFoundWhereAllIsOpen() throws Exception {
        Set<String> all =
                Pattern.compile("(?m)^ +\"([a-z]+(?:-[a-z]+)+)\",$")
                        .matcher(
                                Files.readString(
                                        Path.of(
                                                "src/main/java/dev/seahaven/isolation/Checks.java")))
                        .results()
                        .map(found -> found.group(1))
                        .collect(Collectors.toCollection(TreeSet::new));
        all.add("privileged");
        TYPES.stream()
                .filter(type -> !type.equals("user"))
                .forEach(type -> all.add("namespace-" + type + "-shared"));
        assertThat(all).hasSizeGreaterThan(25);
        Set<String> found =
                Stream.of(
                                open(
                                        new Seccomp("disabled", 0, List.of("bpf")),
                                        namespaces(false, null)),
                                open(
                                        new Seccomp("filter", 1, List.of("bpf")),
                                        namespaces(true, 7L)),
                                open(new Seccomp("filter", 1, null), namespaces(true, null)))
                        .flatMap(facts -> ids(facts).stream())
                        .collect(Collectors.toCollection(TreeSet::new));
        assertThat(found).isEqualTo(all);
    }

    @Test
    void whoIsShutOffHasNoFinding() {
        Facts shut =
                new Facts(
                        new Layers(
                                namespaces(true, null),
                                List.of(),
                                Map.of(),
                                new Seccomp("filter", 1, List.of()),
                                true,
                                "seahaven (enforce)",
                                true,
                                new Cgroup(Map.of(), false, 1L, 1L, 1L),
                                List.of(),
                                List.of(),
                                List.of(),
                                List.of(),
                                List.of()),
                        EnumSet.of(Capability.CHOWN),
                        EnumSet.noneOf(Capability.class),
                        false,
                        false,
                        true,
                        sandbox(false));
        assertThat(Checks.of(shut)).isEmpty();
    }

    @Test
    void theWorstComesFirstAndEachNamesTheChange() {
        List<Finding> findings =
                Checks.of(open(new Seccomp("disabled", 0, List.of()), namespaces(false, null)));
        assertThat(findings).isSortedAccordingTo((a, b) -> a.severity().compareTo(b.severity()));
        assertThat(findings.getFirst().severity()).isEqualTo(Severity.CRITICAL);
        assertThat(findings)
                .allSatisfy(
                        finding ->
                                assertThat(finding.remedy())
                                        .containsPattern(
                                                "namespaces|network|security|limits|rootfs"));
    }
}

package dev.seahaven.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.audit.Facts.Credentials;
import dev.seahaven.audit.Facts.Resources;
import dev.seahaven.audit.Facts.Seccomp;
import dev.seahaven.audit.Finding.Severity;
import dev.seahaven.ids.IdMapping;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.scan.Membership;
import dev.seahaven.sandbox.life.HardenedSandboxes.Hardened;
import dev.seahaven.syscall.Capability;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Every finding there is can be found, and a process that is shut off has none. */
class ChecksTest {

    private static final Seccomp SHUT_FILTER = new Seccomp("filter", 1, List.of());
    private static final Credentials SHUT_CREDENTIALS =
            new Credentials(
                    Map.of(), EnumSet.of(Capability.CHOWN), EnumSet.noneOf(Capability.class), true);

    private static <T> Seen<T> seen(T value) {
        return new Seen.Value<>(value);
    }

    private static <T> Seen<T> unknown() {
        return new Seen.Unknown<>("open(/proc/1/uid_map): EACCES (permission denied)");
    }

    private static Map<NamespaceType, Seen<Membership>> namespaces(
            boolean isolated, @Nullable Long ownedBy) {
        Map<NamespaceType, Seen<Membership>> all = new EnumMap<>(NamespaceType.class);
        for (NamespaceType type : NamespaceType.values()) {
            all.put(type, seen(new Membership(type, 1, isolated, ownedBy)));
        }
        return all;
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

    private static Facts open(Seccomp seccomp, Map<NamespaceType, Seen<Membership>> namespaces) {
        return new Facts(
                namespaces,
                seen(List.of()),
                seen(true),
                new Credentials(
                        Map.of(),
                        EnumSet.allOf(Capability.class),
                        EnumSet.allOf(Capability.class),
                        false),
                seccomp,
                seen(Optional.empty()),
                false,
                seen(new Resources(Map.of(), true, null, null, null)),
                seen(List.of("/sys (sysfs)")),
                seen(List.of("/proc/kcore")),
                seen(List.of("/run/docker.sock")),
                seen(List.of("/dev/sda")),
                seen(List.of("tcp port 80")),
                sandbox(true));
    }

    private static Facts shut(
            Map<NamespaceType, Seen<Membership>> namespaces,
            Seen<List<IdMapping>> uidMappings,
            Seen<List<String>> writableMounts) {
        return new Facts(
                namespaces,
                uidMappings,
                seen(false),
                SHUT_CREDENTIALS,
                SHUT_FILTER,
                seen(Optional.of("seahaven (enforce)")),
                true,
                seen(new Resources(Map.of(), false, 1L, 1L, 1L)),
                writableMounts,
                seen(List.of()),
                seen(List.of()),
                seen(List.of()),
                seen(List.of()),
                sandbox(false));
    }

    private static Facts nothingSeen() {
        Map<NamespaceType, Seen<Membership>> namespaces = new EnumMap<>(NamespaceType.class);
        for (NamespaceType type : NamespaceType.values()) {
            namespaces.put(type, unknown());
        }
        return new Facts(
                namespaces,
                unknown(),
                unknown(),
                SHUT_CREDENTIALS,
                SHUT_FILTER,
                unknown(),
                true,
                unknown(),
                unknown(),
                unknown(),
                unknown(),
                unknown(),
                unknown(),
                sandbox(false));
    }

    private static Set<String> ids(Facts facts) {
        return Checks.of(facts).stream().map(Finding::id).collect(Collectors.toSet());
    }

    @Test
    void everyIdOfTheSourceIsFoundWhereAllIsOpen() throws Exception {
        String source = Files.readString(Path.of("src/main/java/dev/seahaven/audit/Checks.java"));
        Set<String> all =
                Pattern.compile("(?m)^ +\"([a-z]+(?:-[a-z]+)+)\",$")
                        .matcher(source)
                        .results()
                        .map(found -> found.group(1))
                        .collect(Collectors.toCollection(TreeSet::new));
        all.add("privileged");
        for (NamespaceType type : NamespaceType.values()) {
            if (type != NamespaceType.USER) {
                all.add("namespace-" + type.kernelName() + "-shared");
            }
        }
        assertThat(all).hasSizeGreaterThan(25);
        Set<String> found =
                Stream.of(
                                open(
                                        new Seccomp(
                                                "disabled",
                                                0,
                                                List.of("bpf", "setsockopt SO_ATTACH_FILTER")),
                                        namespaces(false, null)),
                                open(
                                        new Seccomp("filter", 1, List.of("bpf")),
                                        namespaces(true, 7L)),
                                open(new Seccomp("filter", 1, null), namespaces(true, null)),
                                nothingSeen())
                        .flatMap(facts -> ids(facts).stream())
                        .collect(Collectors.toCollection(TreeSet::new));
        assertThat(found).isEqualTo(all);
    }

    @Test
    void aProcessThatIsShutOffHasNoFinding() {
        assertThat(Checks.of(shut(namespaces(true, null), seen(List.of()), seen(List.of()))))
                .isEmpty();
    }

    @Test
    void aLayerThatCannotBeReadIsAFindingOfItsOwn() {
        Facts facts = shut(namespaces(true, null), unknown(), unknown());
        assertThat(Checks.of(facts))
                .extracting(Finding::id)
                .containsExactly("layer-unknown", "layer-unknown");
        assertThat(Checks.of(facts))
                .extracting(Finding::evidence)
                .allSatisfy(evidence -> assertThat(evidence).contains("EACCES"));
        assertThat(facts.unknown()).containsOnlyKeys("uidMappings", "writableMounts");
    }

    @Test
    void anUnknownUidMapIsNotTakenForASafeOne() {
        Facts safe = shut(namespaces(true, null), seen(List.of()), seen(List.of()));
        assertThat(safe.rootMayBeHosts()).isFalse();
        Facts unread = shut(namespaces(true, null), unknown(), seen(List.of()));
        assertThat(unread.rootMayBeHosts()).isTrue();
        assertThat(unread.rootIsHosts()).isFalse();
    }

    @Test
    void theWorstComesFirstAndEachNamesTheChange() {
        List<Finding> findings =
                Checks.of(open(new Seccomp("disabled", 0, List.of()), namespaces(false, null)));
        assertThat(findings).isSortedAccordingTo((a, b) -> a.severity().compareTo(b.severity()));
        assertThat(findings.getFirst().severity()).isEqualTo(Severity.CRITICAL);
        assertThat(findings)
                .extracting(Finding::remedy)
                .allSatisfy(
                        remedy ->
                                assertThat(remedy)
                                        .containsPattern(
                                                "namespaces|network|security|limits|rootfs"));
    }
}

package dev.seahaven;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;

import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.springframework.web.bind.annotation.RestController;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Who may use whom: the table of the packages. A package that it does not name fails. */
class ArchitectureTest {

    private static final List<String> GROUND =
            List.of("syscall", "procfs", "netlink", "mount", "seccomp", "cgroup", "launcher");

    /** Besides itself. */
    private static final Map<String, List<String>> MAY_USE =
            Map.ofEntries(
                    Map.entry("syscall", List.of()),
                    Map.entry("procfs", List.of()),
                    Map.entry("netlink", List.of("syscall")),
                    Map.entry("mount", List.of()),
                    Map.entry("seccomp", List.of("syscall")),
                    Map.entry("cgroup", List.of("syscall", "procfs")),
                    Map.entry("launcher", List.of("syscall", "procfs", "mount", "cgroup")),
                    Map.entry("namespace", with(GROUND, "web")),
                    Map.entry("sandbox", with(GROUND, "web", "namespace")),
                    Map.entry("process", with(GROUND, "web", "namespace")),
                    Map.entry("exec", with(GROUND, "web", "namespace", "sandbox")),
                    Map.entry("isolation", with(GROUND, "web", "namespace", "sandbox")),
                    Map.entry("system", with(GROUND, "web")),
                    Map.entry("web", List.of("syscall", "launcher")),
                    Map.entry("access", List.of("web", "syscall")),
                    Map.entry(
                            "daemon",
                            with(
                                    GROUND,
                                    "web",
                                    "access",
                                    "namespace",
                                    "process",
                                    "sandbox",
                                    "exec",
                                    "system")));

    private static final JavaClasses ALL =
            new ClassFileImporter()
                    .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                    .importPackages("dev.seahaven");

    private static List<String> with(List<String> some, String... more) {
        return Stream.concat(some.stream(), Arrays.stream(more)).toList();
    }

    private static String name(String simple) {
        return "dev.seahaven." + simple;
    }

    @Test
    void eachPackageUsesWhatItMay() {
        MAY_USE.forEach(
                (simple, others) ->
                        classes()
                                .that()
                                .resideInAPackage(name(simple))
                                .should()
                                .onlyDependOnClassesThat()
                                .resideOutsideOfPackage("dev.seahaven..")
                                .orShould()
                                .onlyDependOnClassesThat()
                                .resideInAnyPackage(allowed(simple, others))
                                .check(ALL));
    }

    /** Ours that it may use, and everything that is not ours. */
    private static String[] allowed(String simple, List<String> others) {
        Stream<String> ours = Stream.concat(Stream.of(simple), others.stream());
        return Stream.concat(
                        ours.map(ArchitectureTest::name),
                        Stream.of(
                                "java..",
                                "javax..",
                                "jakarta..",
                                "org..",
                                "com..",
                                "io..",
                                "tools.."))
                .toArray(String[]::new);
    }

    @Test
    void everyPackageIsInTheTable() {
        for (JavaClass each : ALL) {
            Assertions.assertThat(MAY_USE).containsKey(each.getPackageName().substring(13));
        }
    }

    @Test
    void onlySyscallKnowsJna() {
        noClasses()
                .that()
                .resideOutsideOfPackage(name("syscall"))
                .should()
                .dependOnClassesThat()
                .resideInAPackage("com.sun.jna..")
                .check(ALL);
    }

    @Test
    void controllersArePackagePrivate() {
        classes()
                .that()
                .areAnnotatedWith(RestController.class)
                .should()
                .bePackagePrivate()
                .check(ALL);
    }

    @Test
    void programsAreStartedByTheLauncherAlone() {
        noClasses().should().dependOnClassesThat().areAssignableTo(ProcessBuilder.class).check(ALL);
        noClasses().should().callMethod(Runtime.class, "exec", String[].class).check(ALL);
    }

    @Test
    void everyPackageTellsWhatLivesThere() throws Exception {
        try (Stream<Path> packages = Files.list(Path.of("src/main/java/dev/seahaven"))) {
            for (Path each : packages.toList()) {
                Assertions.assertThat(each.resolve("package-info.java"))
                        .content()
                        .contains("@NullMarked", "/**");
            }
        }
    }
}

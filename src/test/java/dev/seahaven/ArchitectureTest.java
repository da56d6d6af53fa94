package dev.seahaven;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;

import org.junit.jupiter.api.Test;
import org.springframework.web.bind.annotation.RestController;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Who may use whom: the tables of docs/architecture.md. A package that they do not name fails. */
class ArchitectureTest {

    private static final String ROOT = "dev.seahaven.";

    /** Each ground package, and what it may use. */
    private static final Map<String, Set<String>> GROUND =
            Map.ofEntries(
                    Map.entry("text", Set.of()),
                    Map.entry("problem", Set.of("text")),
                    Map.entry("claim", Set.of()),
                    Map.entry("syscall", Set.of("text")),
                    Map.entry("procfs", Set.of("syscall", "text")),
                    Map.entry("netlink", Set.of("syscall", "text")),
                    Map.entry("mount", Set.of("text")),
                    Map.entry("seccomp", Set.of("syscall")),
                    Map.entry("cgroup", Set.of("syscall", "procfs", "text")),
                    Map.entry("ids", Set.of("procfs", "syscall", "text")),
                    Map.entry("store", Set.of("syscall", "text")),
                    Map.entry(
                            "launcher",
                            Set.of(
                                    "text", "problem", "claim", "syscall", "procfs", "netlink",
                                    "mount", "seccomp", "cgroup", "ids", "store")));

    /** Each feature, and the features that it may use beside the ground. */
    private static final Map<String, Set<String>> FEATURES =
            Map.of(
                    "namespace", Set.of(),
                    "process", Set.of("namespace"),
                    "sandbox", Set.of("namespace"),
                    "exec", Set.of("sandbox", "namespace"),
                    "audit", Set.of("sandbox", "namespace"),
                    "system", Set.of());

    /** What lies around, and what it may use; {@code daemon} may use everything. */
    private static final Map<String, Set<String>> AROUND =
            Map.of(
                    "web", Set.of("problem", "text"),
                    "access", Set.of("web", "syscall", "problem"),
                    "page", Set.of("web"));

    /** The sub-packages of features from the lowest up: each may use those before it. */
    private static final Map<String, List<String>> INSIDE =
            Map.of(
                    "namespace", List.of("", "names", "scan", "view", "life", "http"),
                    "sandbox", List.of("spec", "root", "launch", "guard", "life", "http"),
                    "process", List.of("", "http"),
                    "exec", List.of("", "http"),
                    "audit", List.of("", "http"),
                    "system", List.of("", "http"),
                    "cgroup", List.of("", "v1", "v2", "host"));

    /** Answers of one feature that another's hold. */
    private static final Set<String> SHARED_RESPONSES =
            Set.of("dev.seahaven.sandbox.http.ExitResponse");

    private static final JavaClasses ALL =
            new ClassFileImporter()
                    .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                    .importPackages("dev.seahaven");

    /** {@code sandbox.life} of {@code dev.seahaven.sandbox.life.Lives}. */
    private static String place(JavaClass of) {
        String name = of.getPackageName();
        return name.length() < ROOT.length() ? "" : name.substring(ROOT.length());
    }

    private static String top(String place) {
        int dot = place.indexOf('.');
        return dot < 0 ? place : place.substring(0, dot);
    }

    private static String inside(String place) {
        int dot = place.indexOf('.');
        return dot < 0 ? "" : place.substring(dot + 1);
    }

    private static boolean mayUse(String from, String to) {
        if (from.equals(to) || top(from).equals("daemon")) {
            return true;
        }
        if (top(from).equals(top(to))) {
            List<String> order = INSIDE.getOrDefault(top(from), List.of());
            return order.indexOf(inside(to)) >= 0
                    && order.indexOf(inside(to)) < order.indexOf(inside(from));
        }
        if (GROUND.containsKey(top(from))) {
            return GROUND.get(top(from)).contains(top(to));
        }
        if (AROUND.containsKey(top(from))) {
            return AROUND.get(top(from)).contains(top(to));
        }
        boolean web = top(to).equals("web") && inside(from).equals("http");
        return web
                || GROUND.containsKey(top(to))
                || FEATURES.getOrDefault(top(from), Set.of()).contains(top(to));
    }

    @Test
    void eachPackageUsesWhatItMay() {
        Map<String, Set<String>> wrong = new TreeMap<>();
        for (JavaClass each : ALL) {
            each.getDirectDependenciesFromSelf().stream()
                    .map(dependency -> dependency.getTargetClass().getBaseComponentType())
                    .filter(target -> target.getPackageName().startsWith("dev.seahaven"))
                    .filter(target -> !mayUse(place(each), place(target)))
                    .forEach(
                            target ->
                                    wrong.computeIfAbsent(
                                                    place(each) + " uses " + place(target),
                                                    key -> new TreeSet<>())
                                            .add(
                                                    each.getSimpleName()
                                                            + " "
                                                            + target.getSimpleName()));
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void everyPackageIsInTheTables() {
        for (JavaClass each : ALL) {
            String top = top(place(each));
            assertThat(
                            GROUND.containsKey(top)
                                    || FEATURES.containsKey(top)
                                    || AROUND.containsKey(top)
                                    || top.equals("daemon"))
                    .as(each.getName())
                    .isTrue();
            if (!inside(place(each)).isEmpty()) {
                assertThat(INSIDE.getOrDefault(top, List.of()))
                        .as(each.getName())
                        .contains(inside(place(each)));
            }
        }
    }

    /** A class with all that is nested in it is one. */
    @Test
    void noClassUsesOneThatUsesIt() {
        slices().assignedFrom(new TopLevelClasses()).should().beFreeOfCycles().check(ALL);
    }

    private static final class TopLevelClasses implements SliceAssignment {

        @Override
        public SliceIdentifier getIdentifierOf(JavaClass each) {
            if (!each.getPackageName().startsWith("dev.seahaven")) {
                return SliceIdentifier.ignore();
            }
            String name = each.getName();
            int nested = name.indexOf('$');
            return SliceIdentifier.of(nested < 0 ? name : name.substring(0, nested));
        }

        @Override
        public String getDescription() {
            return "top-level classes";
        }
    }

    @Test
    void onlySyscallKnowsJna() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + "syscall")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("com.sun.jna..")
                .check(ALL);
    }

    @Test
    void theDomainKnowsNoHttp() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        Stream.concat(GROUND.keySet().stream(), FEATURES.keySet().stream())
                                .flatMap(
                                        top ->
                                                INSIDE.getOrDefault(top, List.of("")).stream()
                                                        .filter(inside -> !inside.equals("http"))
                                                        .map(
                                                                inside ->
                                                                        ROOT
                                                                                + top
                                                                                + (inside.isEmpty()
                                                                                        ? ""
                                                                                        : "."
                                                                                                + inside)))
                                .toArray(String[]::new))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "org.springframework.http..",
                        "org.springframework.web..",
                        "jakarta.servlet..")
                .check(ALL);
    }

    @Test
    void whatIsOfHttpIsPackagePrivate() {
        List<String> open = new ArrayList<>();
        for (JavaClass each : ALL) {
            if (inside(place(each)).equals("http")
                    && each.isTopLevelClass()
                    && each.getModifiers().contains(JavaModifier.PUBLIC)
                    && !SHARED_RESPONSES.contains(each.getName())
                    && !each.getSimpleName().equals("package-info")) {
                open.add(each.getName());
            }
        }
        assertThat(open).isEmpty();
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
        try (Stream<Path> files = Files.walk(Path.of("src/main/java/dev/seahaven"))) {
            for (Path each : files.filter(ArchitectureTest::hasClasses).toList()) {
                assertThat(each.resolve("package-info.java"))
                        .content()
                        .contains("@NullMarked", "/**");
            }
        }
    }

    private static boolean hasClasses(Path directory) {
        String[] names = directory.toFile().list((parent, name) -> name.endsWith(".java"));
        return names != null && names.length > 0;
    }
}

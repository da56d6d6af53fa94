package dev.seahaven.sandbox.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.problem.Violations;
import dev.seahaven.seccomp.SeccompCompiler;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import tools.jackson.databind.json.JsonMapper;

import java.util.List;

/** What a kernel cannot enforce is refused, and not left out. */
class SecurityResolverTest {

    private static Security resolve(int landlockAbi, String request) {
        SecurityResolver resolver =
                new SecurityResolver(
                        new SeccompCompiler(new JsonMapper()),
                        new KernelSecurity(landlockAbi, false, false),
                        false);
        Violations wrong = new Violations();
        SecurityRequest asked =
                new JsonMapper().readValue("{\"landlock\":" + request + "}", SecurityRequest.class);
        Security security = resolver.resolve(asked, type -> true, wrong);
        wrong.throwIfAny();
        return security;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "0 | {\"read\":[\"/usr\"]} | landlock",
                "0 | {\"bindPorts\":[80]} | landlock",
                "1 | {\"read\":[\"/usr\"]} | landlock-truncate",
                "2 | {\"write\":[\"/tmp\"]} | landlock-truncate",
                "3 | {\"connectPorts\":[80]} | landlock-net",
            })
    void whatThisLandlockCannotDoIsRefusedByName(int abi, String request, String feature) {
        assertThatThrownBy(() -> resolve(abi, request))
                .isInstanceOfSatisfying(
                        Problem.class,
                        problem -> {
                            assertThat(problem.type()).isEqualTo(ProblemType.UNSUPPORTED_FEATURE);
                            assertThat(problem.members()).containsEntry("feature", feature);
                        });
    }

    @Test
    void whatItCanDoIsTaken() {
        Security security = resolve(4, "{\"read\":[\"/usr\"],\"connectPorts\":[80]}");
        assertThat(security.landlock())
                .isEqualTo(new Security.Landlock(List.of("/usr"), null, List.of(80), null));
        assertThat(security.restrictsWithLandlock()).isTrue();
        assertThat(resolve(0, "{}").restrictsWithLandlock()).isFalse();
    }
}

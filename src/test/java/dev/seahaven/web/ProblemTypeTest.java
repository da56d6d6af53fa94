package dev.seahaven.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.problem.ProblemType;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Files;
import java.nio.file.Path;

class ProblemTypeTest {

    @ParameterizedTest
    @EnumSource
    void eachHasAParagraphOfHelpWithItsStatus(ProblemType type) throws Exception {
        String name = ProblemResponse.uri(type).getPath().substring("/problems/".length());
        assertThat(Files.readString(Path.of("docs/problems.md")))
                .containsPattern(
                        "## "
                                + name
                                + " \\("
                                + ProblemResponse.status(type).value()
                                + "\\)\n\n\\S.{20,}");
        assertThat(type.title()).isNotBlank();
    }
}

package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.web.KeptAnswers.Answer;
import dev.seahaven.web.KeptAnswers.Kept;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

class AnswersOnDiskTest {

    private static final String KEY = "a/../key with : everything";
    private static final Answer ANSWER =
            new Answer(
                    201, Map.of("Location", "/sandboxes/x"), "{}".getBytes(StandardCharsets.UTF_8));

    @TempDir private Path top;
    private Instant now = Instant.now();
    private AnswersOnDisk answers;

    @BeforeEach
    void open() {
        answers = new AnswersOnDisk(new LinuxSyscalls(), top.resolve("answers"), () -> now);
    }

    private Path onlyFile() throws IOException {
        try (Stream<Path> files = Files.list(top.resolve("answers"))) {
            return files.findFirst().orElseThrow();
        }
    }

    @Test
    void anAnswerIsKeptForADayAlsoForTheNextDaemon() {
        assertThat(answers.find(KEY)).isEmpty();
        answers.begin(KEY, "print");
        answers.finish(KEY, "print", ANSWER);
        open();
        Kept kept = answers.find(KEY).orElseThrow();
        assertThat(kept.fingerprint()).isEqualTo("print");
        assertThat(kept.answer().orElseThrow()).usingRecursiveComparison().isEqualTo(ANSWER);
        now = now.plus(Duration.ofHours(25));
        assertThat(answers.find(KEY)).isEmpty();
    }

    @Test
    void aRequestThatWasCutShortIsKnownWithoutAnAnswer() {
        answers.begin(KEY, "print");
        open();
        assertThat(answers.find(KEY)).contains(new Kept("print", Optional.empty()));
        answers.forget(KEY);
        assertThat(answers.find(KEY)).isEmpty();
    }

    /** What cannot be read may have been carried out. */
    @Test
    void whatCannotBeReadIsNotTakenForNew() throws Exception {
        answers.begin(KEY, "print");
        for (String text : new String[] {"{", "{\"version\":99}"}) {
            Files.writeString(onlyFile(), text);
            assertThat(answers.find(KEY)).contains(new Kept("", Optional.empty()));
        }
    }

    @Test
    void anAnswerThatIsTooLargeIsNotKept() {
        answers.begin(KEY, "print");
        answers.finish(KEY, "print", new Answer(200, Map.of(), new byte[9 << 20]));
        assertThat(answers.find(KEY)).contains(new Kept("print", Optional.empty()));
    }

    @Test
    void oldOnesAreRemovedWhenANewOneComes() throws Exception {
        answers.begin("old", "print");
        Path old = onlyFile();
        now = now.plus(Duration.ofHours(25));
        Files.setLastModifiedTime(old, FileTime.from(now.minus(Duration.ofHours(25))));
        answers.begin("new", "print");
        assertThat(old).doesNotExist();
        assertThat(answers.find("new")).isPresent();
    }
}

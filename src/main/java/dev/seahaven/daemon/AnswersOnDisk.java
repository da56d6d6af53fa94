package dev.seahaven.daemon;

import dev.seahaven.store.DocumentKind;
import dev.seahaven.store.Documents;
import dev.seahaven.store.NewerDocumentException;
import dev.seahaven.store.UnreadableDocumentException;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.web.KeptAnswers;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Keeps answers as documents below the state directory, one for each key, for a day. Older ones are
 * removed when a new one is written, once in an hour.
 */
final class AnswersOnDisk implements KeptAnswers {

    private static final Logger LOG = System.getLogger(AnswersOnDisk.class.getName());
    private static final int BODY_MAX = 8 << 20;
    private static final Duration KEPT = Duration.ofHours(24);
    private static final Duration BETWEEN_SWEEPS = Duration.ofHours(1);
    private static final DocumentKind<Document> KIND =
            new DocumentKind<>("kept answer", Document.class, List.of());

    /**
     * @param request its fingerprint
     * @param answer null while the request is carried out
     */
    record Document(String request, long requestedAtMillis, @Nullable StoredAnswer answer) {}

    record StoredAnswer(int status, Map<String, String> headers, byte[] body) {}

    private final Syscalls syscalls;
    private final Documents documents;
    private final Path directory;
    private final InstantSource clock;
    private Instant swept = Instant.EPOCH;

    /**
     * @param directory of the documents; made when the first is written
     */
    AnswersOnDisk(Syscalls syscalls, Path directory, InstantSource clock) {
        this.syscalls = syscalls;
        this.documents = new Documents(syscalls);
        this.directory = directory;
        this.clock = clock;
    }

    @Override
    public Optional<Kept> find(String key) {
        try {
            return documents
                    .read(file(key), KIND)
                    .filter(document -> !isOld(document))
                    .map(AnswersOnDisk::kept);
        } catch (UnreadableDocumentException | NewerDocumentException e) {
            return Optional.of(new Kept("", Optional.empty())); // it was made; no more is known
        }
    }

    private static Kept kept(Document document) {
        return new Kept(
                document.request(),
                Optional.ofNullable(document.answer())
                        .map(
                                answer ->
                                        new Answer(
                                                answer.status(), answer.headers(), answer.body())));
    }

    private boolean isOld(Document document) {
        Instant requested = Instant.ofEpochMilli(document.requestedAtMillis());
        return requested.plus(KEPT).isBefore(clock.instant());
    }

    @Override
    public synchronized void begin(String key, String fingerprint) {
        FileCalls.makeDirectory(syscalls, directory.toString(), 0700);
        sweep();
        write(key, new Document(fingerprint, clock.millis(), null));
    }

    @Override
    public void finish(String key, String fingerprint, Answer answer) {
        if (answer.body().length > BODY_MAX) {
            return;
        }
        StoredAnswer stored = new StoredAnswer(answer.status(), answer.headers(), answer.body());
        try {
            write(key, new Document(fingerprint, clock.millis(), stored));
        } catch (SyscallException e) { // the request was carried out: its caller is told so
            LOG.log(Level.WARNING, "an answer is not kept for a repeat of its request", e);
        }
    }

    private void write(String key, Document document) {
        documents.write(file(key), KIND, document);
    }

    @Override
    public void forget(String key) {
        documents.remove(file(key));
    }

    private void sweep() {
        Instant now = clock.instant();
        if (now.isBefore(swept.plus(BETWEEN_SWEEPS))) {
            return;
        }
        swept = now;
        try (Stream<Path> files = Files.list(directory)) {
            files.filter(this::isToGo).forEach(documents::remove);
        } catch (IOException | UncheckedIOException | SyscallException e) {
            LOG.log(Level.WARNING, "old answers are not removed: {0}", e.getMessage());
        }
    }

    /** By its last change, which comes after the request; also what cannot be read goes so. */
    private boolean isToGo(Path file) {
        try {
            Instant changed = Files.getLastModifiedTime(file).toInstant();
            return changed.plus(KEPT).isBefore(clock.instant());
        } catch (NoSuchFileException e) {
            return false; // a draft that has become a document
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Keys hold what file names cannot. */
    private Path file(String key) {
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(key.getBytes(StandardCharsets.UTF_8));
            return directory.resolve(HexFormat.of().formatHex(digest) + ".json");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }
}

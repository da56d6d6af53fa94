package dev.seahaven.procfs;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A mounted {@code /proc}, or a captured one.
 *
 * @param path of its root
 */
public record ProcRoot(Path path) {

    public static final ProcRoot SYSTEM = new ProcRoot(Path.of("/proc"));

    /** The numbers of all processes there are now, in no order. */
    public List<Integer> pids() {
        try (Stream<Path> entries = Files.list(path)) {
            return entries.map(entry -> entry.getFileName().toString())
                    .filter(name -> Character.isDigit(name.charAt(0)))
                    .map(Integer::parseInt)
                    .toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** The text of a file, or nothing where it or its process is gone or may not be read. */
    public Optional<String> read(String file) {
        try {
            return Optional.of(
                    new String(
                            Files.readAllBytes(path.resolve(file)), StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** The target of a link such as {@code 4711/ns/net}, or nothing where it cannot be read. */
    public Optional<String> readLink(String link) {
        try {
            return Optional.of(Files.readSymbolicLink(path.resolve(link)).toString());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}

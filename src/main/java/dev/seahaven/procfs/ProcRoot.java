package dev.seahaven.procfs;

import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A mounted {@code /proc}, or a captured one.
 *
 * @param path of its root
 */
public record ProcRoot(Path path) {

    private static final int CHUNK = 8192;

    public static final ProcRoot SYSTEM = new ProcRoot(Path.of("/proc"));

    /** A directory below, such as {@code 4711/fd}. */
    public ProcRoot at(String directory) {
        return new ProcRoot(path.resolve(directory));
    }

    /**
     * The numbers that are entries of the directory: of a process's threads or descriptors. In no
     * order; none where it is gone or may not be read.
     */
    public List<Integer> pids() {
        String[] names = path.toFile().list();
        if (names == null) {
            return List.of();
        }
        List<Integer> numbers = new ArrayList<>(names.length);
        for (String name : names) {
            if (Character.isDigit(name.charAt(0))) {
                numbers.add(Integer.parseInt(name));
            }
        }
        return numbers;
    }

    /**
     * The pids of all processes there are now, in no order.
     *
     * @throws IllegalStateException when the directory cannot be read: at least the caller's own is
     *     there
     */
    public List<Integer> processes() {
        List<Integer> found = pids();
        if (found.isEmpty()) {
            throw new IllegalStateException(
                    path + " cannot be read; has the daemon too many open files?");
        }
        return found;
    }

    /**
     * The lines of a text of the kernel's, which end with a newline alone: String.lines() would cut
     * at a carriage return too, and whoever may give a name could break a line with it.
     */
    public static Stream<String> lines(String text) {
        return text.isEmpty() ? Stream.of() : Arrays.stream(text.split("\n"));
    }

    /** The text of a file, or nothing where it or its process is gone or may not be read. */
    public Optional<String> read(String file) {
        try (InputStream in = new FileInputStream(path.resolve(file).toFile())) {
            // A sysctl is told by the first read alone, so that has to be a large one.
            ByteArrayOutputStream text = new ByteArrayOutputStream();
            byte[] part = new byte[CHUNK];
            for (int got = in.read(part); got > 0; got = in.read(part)) {
                text.write(part, 0, got);
            }
            return Optional.of(text.toString(StandardCharsets.ISO_8859_1));
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

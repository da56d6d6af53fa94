package dev.seahaven.sandbox.life;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.BasicFileAttributeView;
import java.util.Objects;
import java.util.UUID;

/**
 * Deletes what a sandbox has written. It goes from descriptor to descriptor and follows no link;
 * directories deeper than paths can be long or descriptors many are moved up first.
 */
final class DirectoryTree {

    private static final int DEEPEST = 32;

    private DirectoryTree() {}

    /** A link in its place is deleted itself. What is not there is no error. */
    static void delete(Path directory) {
        Path name = directory.getFileName();
        try (SecureDirectoryStream<Path> parent =
                open(Objects.requireNonNull(directory.getParent()))) {
            if (isDirectory(parent, name)) {
                deleteDirectory(parent, name);
            } else {
                parent.deleteFile(name);
            }
        } catch (NoSuchFileException e) {
            // It is gone, which was wanted.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @SuppressWarnings("StreamResourceLeak") // the caller closes it
    private static SecureDirectoryStream<Path> open(Path directory) throws IOException {
        // On Linux every stream is one (SecureDirectoryStream).
        return (SecureDirectoryStream<Path>) Files.newDirectoryStream(directory);
    }

    private static void deleteDirectory(SecureDirectoryStream<Path> parent, Path name)
            throws IOException {
        boolean more = true;
        while (more) {
            try (SecureDirectoryStream<Path> top =
                    parent.newDirectoryStream(name, LinkOption.NOFOLLOW_LINKS)) {
                more = empty(top, top, 0);
            }
        }
        parent.deleteDirectory(name);
    }

    /** Returns whether something was moved to the top and waits there. */
    private static boolean empty(
            SecureDirectoryStream<Path> top, SecureDirectoryStream<Path> directory, int depth)
            throws IOException {
        boolean moved = false;
        for (Path entry : directory) {
            Path name = entry.getFileName();
            if (!isDirectory(directory, name)) {
                directory.deleteFile(name);
            } else if (depth >= DEEPEST) {
                directory.move(name, top, Path.of("up-" + UUID.randomUUID()));
                moved = true;
            } else {
                try (SecureDirectoryStream<Path> inner =
                        directory.newDirectoryStream(name, LinkOption.NOFOLLOW_LINKS)) {
                    moved |= empty(top, inner, depth + 1);
                }
                directory.deleteDirectory(name);
            }
        }
        return moved;
    }

    private static boolean isDirectory(SecureDirectoryStream<Path> directory, Path name)
            throws IOException {
        return directory
                .getFileAttributeView(name, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                .readAttributes()
                .isDirectory();
    }
}

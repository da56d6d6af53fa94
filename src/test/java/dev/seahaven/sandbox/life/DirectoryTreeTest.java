package dev.seahaven.sandbox.life;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;

class DirectoryTreeTest {

    @TempDir private Path directory;

    @Test
    void linksAreDeletedAndNotFollowed() throws Exception {
        Path kept = Files.createDirectory(directory.resolve("kept"));
        Files.writeString(kept.resolve("file"), "x");
        Path tree = Files.createDirectories(directory.resolve("tree/a/b"));
        Files.createSymbolicLink(tree.resolve("link"), kept);
        DirectoryTree.delete(directory.resolve("tree"));
        assertThat(directory.resolve("tree")).doesNotExist();
        assertThat(kept.resolve("file")).exists();
        DirectoryTree.delete(directory.resolve("tree"));
    }

    /** What a link in its place led to was emptied. */
    @Test
    void aLinkInItsPlaceIsDeletedAndNotFollowed() throws Exception {
        Path kept = Files.createDirectory(directory.resolve("kept"));
        Files.writeString(kept.resolve("file"), "x");
        Path link = Files.createSymbolicLink(directory.resolve("link"), kept);
        DirectoryTree.delete(link);
        assertThat(link).doesNotExist();
        assertThat(kept.resolve("file")).exists();
    }

    /**
     * A sandbox can make directories deeper than any path is long, and more than a process may have
     * descriptors.
     */
    @Test
    void depthIsNoObstacle() throws Exception {
        Path tree = Files.createDirectory(directory.resolve("deep"));
        Path end = tree;
        for (int i = 0; i < 3; i++) {
            end = tree;
            for (int level = 0; level < 1500; level++) {
                end = end.resolve("d");
            }
            Files.createDirectories(end);
            Files.writeString(end.resolve("file"), "x");
            Path top = tree.resolve("d");
            Path next = Files.createDirectory(tree.resolve("n" + i));
            try (var stream = Files.newDirectoryStream(tree)) {
                @SuppressWarnings("unchecked")
                SecureDirectoryStream<Path> secure = (SecureDirectoryStream<Path>) stream;
                try (SecureDirectoryStream<Path> to =
                        secure.newDirectoryStream(next.getFileName(), LinkOption.NOFOLLOW_LINKS)) {
                    secure.move(top.getFileName(), to, Path.of("d"));
                }
            }
        }
        DirectoryTree.delete(tree);
        assertThat(tree).doesNotExist();
    }
}

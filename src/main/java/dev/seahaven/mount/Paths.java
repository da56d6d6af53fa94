package dev.seahaven.mount;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Checks of paths, on their text alone. */
public final class Paths {

    /**
     * File systems below these may be mounted apart, and a default root is of little use without
     * them.
     */
    private static final List<String> NEEDED =
            List.of("/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/sbin", "/usr");

    /** In bytes, with the NUL at its end. */
    private static final int PATH_MAX = 4096;

    /** In bytes, of one part of a path. */
    private static final int NAME_MAX = 255;

    private Paths() {}

    /**
     * Whether it is absolute, has no empty part, {@code .} or {@code ..}, no NUL, and is no longer
     * than the kernel takes.
     */
    public static boolean isAbsoluteAndPlain(String path) {
        return path.startsWith("/")
                && path.indexOf('\0') < 0
                && Path.of(path).normalize().toString().equals(path)
                && bytes(path) < PATH_MAX
                && Arrays.stream(path.split("/")).allMatch(part -> bytes(part) <= NAME_MAX);
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /** Whether {@code path} is {@code directory} or lies below it. */
    public static boolean isWithin(Path path, Path directory) {
        return path.normalize().startsWith(directory.normalize());
    }

    /**
     * Whether a mount at this point is one of those that an overlay over {@code /} lacks and a
     * default root needs.
     */
    public static boolean isNeededMount(String mountPoint) {
        return NEEDED.stream().anyMatch(needed -> isWithin(Path.of(mountPoint), Path.of(needed)));
    }
}

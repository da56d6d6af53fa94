package dev.seahaven.mount;

import java.nio.file.Path;
import java.util.List;

/** Checks of paths, on their text alone. */
public final class Paths {

    /**
     * File systems below these may be mounted apart, and a default root is of little use without
     * them.
     */
    private static final List<String> NEEDED =
            List.of("/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/sbin", "/usr");

    private Paths() {}

    /** Whether it is absolute and has no empty part, {@code .} or {@code ..}. */
    public static boolean isAbsoluteAndPlain(String path) {
        return path.startsWith("/") && Path.of(path).normalize().toString().equals(path);
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

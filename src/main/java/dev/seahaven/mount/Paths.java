package dev.seahaven.mount;

import dev.seahaven.text.KernelText;

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
                && KernelText.isEncodable(path)
                && bytes(path) < PATH_MAX
                && (path.equals("/")
                        || Arrays.stream(path.substring(1).split("/", -1))
                                .allMatch(Paths::isPlain));
    }

    private static boolean isPlain(String part) {
        return !part.isEmpty()
                && !part.equals(".")
                && !part.equals("..")
                && bytes(part) <= NAME_MAX;
    }

    private static int bytes(String text) {
        return KernelText.encode(text).length;
    }

    /** Whether {@code path} is {@code directory} or lies below it; both are absolute and plain. */
    public static boolean isWithin(String path, String directory) {
        return path.equals(directory)
                || path.startsWith(directory.equals("/") ? "/" : directory + "/");
    }

    /**
     * Whether a mount at this point is one of those that an overlay over {@code /} lacks and a
     * default root needs.
     */
    public static boolean isNeededMount(String mountPoint) {
        return NEEDED.stream().anyMatch(needed -> isWithin(mountPoint, needed));
    }
}

package dev.seahaven.namespace.scan;

/** Where a namespace was seen, and so from where it can be opened. */
sealed interface Source {

    /** A link of a process, such as {@code ns/net}, {@code task/12/ns/net} or {@code fd/7}. */
    public record Link(int pid, String path) implements Source {}

    /** A bind mount, as the process sees it that is in the same mount namespace. */
    public record Mount(int pid, String point) implements Source {}

    /** A bind mount in a mount namespace that no process is in. */
    public record MountIn(long mountNamespace, String point) implements Source {}

    /** A socket of a process. */
    public record Socket(int pid, int fd) implements Source {}

    /** The parent or the owner of another. */
    public record Above(long id, boolean owner) implements Source {}

    /** The kernel's own list of mount namespaces. */
    public record MountList() implements Source {}
}

package dev.seahaven.namespace.life;

/** What is given a name. */
public sealed interface Adoption {

    /** The namespace that a process is in. */
    record OfProcess(int pid) implements Adoption {}

    /** One by its number. */
    record OfNamespace(long id) implements Adoption {}

    /**
     * A file that is a namespace.
     *
     * @param path absolute
     */
    record OfFile(String path) implements Adoption {}
}

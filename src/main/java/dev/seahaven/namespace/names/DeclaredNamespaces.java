package dev.seahaven.namespace.names;

import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.store.Documents;
import dev.seahaven.store.NewerDocumentException;
import dev.seahaven.store.UnreadableDocumentException;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.Syscalls;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;

/**
 * The named namespaces that are made again after a reboot: one document for each, and all in
 * memory.
 */
public final class DeclaredNamespaces {

    private static final Logger LOG = System.getLogger(DeclaredNamespaces.class.getName());
    private static final String SUFFIX = ".json";

    private final Syscalls syscalls;
    private final Documents documents;
    private final Path directory;
    private final Map<String, Declared> known = new TreeMap<>();

    /** The files that a newer daemon has written. */
    private final Set<String> untouched = new HashSet<>();

    public DeclaredNamespaces(Syscalls syscalls, Path directory) {
        this.syscalls = syscalls;
        this.documents = new Documents(syscalls);
        this.directory = directory;
    }

    private static String key(NamespaceType type, String name) {
        return type.kernelName() + ":" + name;
    }

    private Path file(String key) {
        return directory.resolve(key + SUFFIX);
    }

    /** Declares a namespace; it is on disk when this returns. */
    public synchronized void add(Declared declared) {
        String key = key(declared.type(), declared.name());
        if (untouched.contains(key + SUFFIX)) {
            throw new Problem(
                    ProblemType.NAME_TAKEN,
                    "A newer version of the daemon has declared a namespace of this name and type;"
                            + " choose another name.");
        }
        documents.write(file(key), StoredNamespace.KIND, StoredNamespace.of(declared));
        known.put(key, declared);
    }

    public synchronized boolean contains(NamespaceType type, String name) {
        return known.containsKey(key(type, name));
    }

    /** Forgets one, unless it is there again; returns what it was. */
    public synchronized Optional<Declared> removeUnless(
            NamespaceType type, String name, BooleanSupplier isThere) {
        String key = key(type, name);
        if (!known.containsKey(key) || isThere.getAsBoolean()) {
            return Optional.empty();
        }
        documents.remove(file(key));
        return Optional.ofNullable(known.remove(key));
    }

    /**
     * Reads all there are. A document that cannot be read is set aside, one of a newer daemon left
     * as it is; both are told in the log.
     */
    public synchronized List<Declared> load() {
        known.clear();
        untouched.clear();
        FileCalls.makeDirectory(syscalls, directory.toString(), 0700);
        String[] names = Objects.requireNonNullElse(directory.toFile().list(), new String[0]);
        for (String name : names) {
            if (name.endsWith(SUFFIX)) {
                load(directory.resolve(name));
            }
        }
        return List.copyOf(known.values());
    }

    private void load(Path file) {
        try {
            Declared each =
                    documents
                            .read(file, StoredNamespace.KIND)
                            .map(StoredNamespace::declared)
                            .orElseThrow();
            known.put(key(each.type(), each.name()), each);
        } catch (NewerDocumentException e) {
            untouched.add(String.valueOf(file.getFileName()));
            LOG.log(Level.WARNING, "{0}; it is left as it is", e.getMessage());
        } catch (UnreadableDocumentException | IllegalArgumentException | NullPointerException e) {
            Path aside = documents.setAside(file, directory.resolveSibling("set-aside"));
            LOG.log(Level.WARNING, "{0}; it is now {1}", e.getMessage(), aside);
        }
    }
}

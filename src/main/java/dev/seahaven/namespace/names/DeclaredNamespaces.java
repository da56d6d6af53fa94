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
import java.util.ArrayList;
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

    private final List<Cut> cut = new ArrayList<>();

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

    /**
     * A namespace is to be made. It is declared with {@link #commit}; a daemon that finds nothing
     * but this takes away what has come of it.
     */
    public synchronized void draft(Declared declared) {
        String key = key(declared.type(), declared.name());
        if (untouched.contains(key + SUFFIX)) {
            throw new Problem(
                    ProblemType.NAME_TAKEN,
                    "A newer version of the daemon has declared a namespace of this name and type;"
                            + " choose another name.");
        }
        documents.draft(file(key), StoredNamespace.KIND, StoredNamespace.of(declared));
    }

    /** Declares a namespace that is made; it is on disk when this returns. */
    public synchronized void commit(Declared declared) {
        String key = key(declared.type(), declared.name());
        documents.commit(file(key));
        known.put(key, declared);
    }

    /** What was to be made is not, and what was to be removed is. */
    public synchronized void discard(NamespaceType type, String name) {
        documents.discard(file(key(type, name)));
    }

    /**
     * A namespace is to be removed: a daemon that comes later goes on with it. Returns what was
     * declared.
     */
    public synchronized Optional<Declared> withdraw(NamespaceType type, String name) {
        String key = key(type, name);
        Declared was = known.remove(key);
        if (was == null) {
            documents.draft(
                    file(key),
                    StoredNamespace.KIND,
                    StoredNamespace.of(new Declared(type, name, null, List.of(), List.of(), 0, 0)));
        } else {
            documents.withdraw(file(key));
        }
        return Optional.ofNullable(was);
    }

    /** One whose making or removal was cut. */
    public record Cut(NamespaceType type, String name) {}

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
        cut.clear();
        untouched.clear();
        FileCalls.makeDirectory(syscalls, directory.toString(), 0700);
        String[] names = Objects.requireNonNullElse(directory.toFile().list(), new String[0]);
        for (String name : names) {
            if (name.endsWith(SUFFIX)) {
                load(directory.resolve(name));
            } else if (Documents.isPart(name)) {
                cut(name);
            }
        }
        return List.copyOf(known.values());
    }

    private void cut(String file) {
        String key = file.substring(0, file.indexOf(SUFFIX));
        int colon = key.indexOf(':');
        NamespaceType.ofKernelName(key.substring(0, Math.max(colon, 0)))
                .ifPresent(type -> cut.add(new Cut(type, key.substring(colon + 1))));
    }

    /** Those whose making or removal was cut, as they were when all were loaded. */
    public synchronized List<Cut> cut() {
        return List.copyOf(cut);
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

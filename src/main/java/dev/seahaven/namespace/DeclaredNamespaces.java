package dev.seahaven.namespace;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * The named namespaces that are made again after a reboot: one file for each, and all in memory.
 */
final class DeclaredNamespaces {

    private static final Logger LOG = System.getLogger(DeclaredNamespaces.class.getName());
    private static final String SUFFIX = ".json";

    /**
     * @param uidMappings of a user namespace
     * @param monotonicOffsetSeconds of a time namespace, as is the other
     */
    record Declared(
            NamespaceType type,
            String name,
            @Nullable String hostname,
            List<IdMapping> uidMappings,
            List<IdMapping> gidMappings,
            long monotonicOffsetSeconds,
            long boottimeOffsetSeconds) {}

    private final JsonMapper json;
    private final Path directory;
    private final Map<String, Declared> known = new TreeMap<>();

    DeclaredNamespaces(JsonMapper json, Path directory) {
        this.json = json;
        this.directory = directory;
    }

    private static String key(NamespaceType type, String name) {
        return type.kernelName() + ":" + name;
    }

    private Path file(String key) {
        return directory.resolve(key + SUFFIX);
    }

    synchronized void add(Declared declared) {
        String key = key(declared.type(), declared.name());
        Path file = file(key);
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try {
            Files.createDirectories(directory);
            Files.write(part, json.writeValueAsBytes(declared)); // not synced: docs/adr/0004
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
            known.put(key, declared);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    synchronized boolean contains(NamespaceType type, String name) {
        return known.containsKey(key(type, name));
    }

    /** Forgets one, unless it is there again; returns what it was. */
    synchronized Optional<Declared> removeUnless(
            NamespaceType type, String name, BooleanSupplier isThere) {
        String key = key(type, name);
        if (!known.containsKey(key) || isThere.getAsBoolean()) {
            return Optional.empty();
        }
        try {
            Files.deleteIfExists(file(key));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Optional.ofNullable(known.remove(key));
    }

    /** Reads all there are; a file that cannot be read is left alone, and told. */
    synchronized List<Declared> load() {
        known.clear();
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(each -> each.toString().endsWith(SUFFIX)).toList()) {
                try {
                    Declared each = json.readValue(Files.readAllBytes(file), Declared.class);
                    known.put(key(each.type(), each.name()), each);
                } catch (JacksonException e) {
                    LOG.log(Level.WARNING, file + " cannot be read, and is left alone", e);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return List.copyOf(known.values());
    }
}

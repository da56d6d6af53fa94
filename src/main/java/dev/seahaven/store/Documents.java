package dev.seahaven.store;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.KernelTextModule;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/**
 * Reads and writes documents. One is written to a file beside its own and renamed, so it is whole
 * or not there; it is not synced (docs/adr/0004).
 */
public final class Documents {

    private static final String VERSION = "version";
    private static final String PART = ".part";
    private static final int DOCUMENT_MAX = 16 << 20;

    private final Syscalls syscalls;

    /** Members that it does not know would be lost when it writes again, so they are refused. */
    private final JsonMapper json =
            JsonMapper.builder()
                    .addModule(new KernelTextModule())
                    .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .build();

    public Documents(Syscalls syscalls) {
        this.syscalls = syscalls;
    }

    /** Writes a document in place of the one that is there. */
    public <T> void write(Path file, DocumentKind<T> kind, T document) {
        draft(file, kind, document);
        commit(file);
    }

    /**
     * The first half of writing: the document is not valid yet, but a daemon that comes later finds
     * it.
     */
    public <T> void draft(Path file, DocumentKind<T> kind, T document) {
        ObjectNode tree = json.createObjectNode().put(VERSION, kind.version());
        tree.setAll((ObjectNode) json.valueToTree(document));
        try (Fd fd =
                syscalls.open(
                        part(file).toString(),
                        Syscalls.O_WRONLY | Syscalls.O_CREAT | Syscalls.O_TRUNC,
                        0600)) {
            syscalls.write(fd, json.writeValueAsBytes(tree));
        } catch (SyscallException e) {
            discard(file);
            throw e;
        }
    }

    /** Makes the draft valid. */
    public void commit(Path file) {
        syscalls.rename(part(file).toString(), file.toString());
    }

    /** Makes a document a draft again. */
    public void withdraw(Path file) {
        syscalls.rename(file.toString(), part(file).toString());
    }

    /** Removes the draft, if there is one. */
    public void discard(Path file) {
        remove(part(file));
    }

    /** Removes a document. What is not there is no error. */
    public void remove(Path file) {
        try {
            syscalls.unlink(file.toString());
        } catch (SyscallException e) {
            if (e.errno() != Errno.ENOENT) {
                throw e;
            }
        }
    }

    private static Path part(Path file) {
        return file.resolveSibling(file.getFileName() + PART);
    }

    /** Whether a file of this name is a draft, or the rest of one. */
    public static boolean isPart(String name) {
        return name.endsWith(PART);
    }

    /**
     * Reads a document; empty when it is not there.
     *
     * @throws UnreadableDocumentException when it is there and cannot be read
     * @throws NewerDocumentException when a newer daemon wrote it
     */
    public <T> Optional<T> read(Path file, DocumentKind<T> kind) {
        try (Fd fd = syscalls.open(file.toString(), Syscalls.O_RDONLY, 0)) {
            return Optional.of(parse(syscalls.read(fd, DOCUMENT_MAX), kind, file));
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Reads the draft of a document; empty without one, or with one that was cut. */
    public <T> Optional<T> readDraft(Path file, DocumentKind<T> kind) {
        try {
            return read(part(file), kind);
        } catch (UnreadableDocumentException e) {
            return Optional.empty(); // its writer was killed, and did nothing on its account
        }
    }

    private <T> T parse(byte[] bytes, DocumentKind<T> kind, Path file) {
        try {
            if (!(json.readTree(bytes) instanceof ObjectNode tree)) {
                throw new UnreadableDocumentException(file + " is no " + kind.name());
            }
            int version = version(tree, file);
            if (version > kind.version()) {
                throw new NewerDocumentException(
                        "%s is of version %d; this daemon reads up to %d"
                                .formatted(file, version, kind.version()),
                        tree);
            }
            tree.remove(VERSION);
            ObjectNode moved = tree;
            for (int at = version; at < kind.version(); at++) {
                moved = kind.steps().get(at - 1).apply(moved);
            }
            return json.treeToValue(moved, kind.type());
        } catch (JacksonException | IllegalArgumentException e) {
            throw new UnreadableDocumentException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static int version(ObjectNode tree, Path file) {
        JsonNode version = tree.path(VERSION);
        if (version.isMissingNode()) {
            return 1;
        }
        if (!version.isInt() || version.asInt() < 1) {
            throw new UnreadableDocumentException(file + " has no version that could be read");
        }
        return version.asInt();
    }

    /**
     * Puts what cannot be read where it disturbs nobody and an operator finds it.
     *
     * @param what a file or directory
     * @param aside the directory for such; made where it is not there
     * @return the new place
     */
    public Path setAside(Path what, Path aside) {
        FileCalls.makeDirectory(syscalls, aside.toString(), 0700);
        Path to = aside.resolve(what.getFileName() + "-" + Instant.now().toEpochMilli());
        syscalls.rename(what.toString(), to.toString());
        return to;
    }
}

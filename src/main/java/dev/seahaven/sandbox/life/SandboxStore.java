package dev.seahaven.sandbox.life;

import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.store.Documents;

import java.nio.file.Path;
import java.util.Optional;

/** The specifications of sandboxes on disk. */
final class SandboxStore {

    private static final String FILE = "sandbox.json";
    private static final String END = "end.json";

    private final Documents documents;
    private final SandboxFiles files;

    SandboxStore(Documents documents, SandboxFiles files) {
        this.documents = documents;
        this.files = files;
    }

    private Path file(SandboxId id) {
        return files.directory(id).resolve(FILE);
    }

    /** Writes a sandbox as it is. */
    void write(Sandbox sandbox) {
        draft(sandbox, sandbox.spec());
        commit(sandbox.id());
    }

    /**
     * Writes what a sandbox is to be; it is not valid before {@link #commit}. One that has nothing
     * but a draft was never made.
     */
    void draft(Sandbox sandbox, SandboxSpec spec) {
        documents.draft(file(sandbox.id()), StoredSandbox.KIND, StoredSandbox.of(sandbox, spec));
    }

    void commit(SandboxId id) {
        documents.commit(file(id));
    }

    void discard(SandboxId id) {
        documents.discard(file(id));
    }

    Optional<StoredSandbox> read(SandboxId id) {
        return documents.read(file(id), StoredSandbox.KIND);
    }

    /** What was to be valid next; empty without a draft, or with one that was cut. */
    Optional<StoredSandbox> readDraft(SandboxId id) {
        return documents.readDraft(file(id), StoredSandbox.KIND);
    }

    /** Writes how the last life ended. */
    void writeEnd(SandboxId id, StoredEnd end) {
        documents.write(files.directory(id).resolve(END), StoredEnd.KIND, end);
    }

    /** How the last life ended; empty before the first has. */
    Optional<StoredEnd> readEnd(SandboxId id) {
        return documents.read(files.directory(id).resolve(END), StoredEnd.KIND);
    }

    /** Puts whatever bears this name where it disturbs nobody. Returns the new place. */
    Path setAside(String name) {
        return documents.setAside(files.entry(name), files.aside());
    }
}

package dev.seahaven.sandbox.life;

import dev.seahaven.launcher.Report;
import dev.seahaven.launcher.ReportCodec;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxSettings;
import dev.seahaven.store.Documents;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What is kept of sandboxes: below the state directory one directory for each, with its
 * specification, log, exit record and upper layer; below the run directory one file for each that
 * runs.
 */
final class SandboxFiles {

    private static final Logger LOGGER = System.getLogger(SandboxFiles.class.getName());
    private static final String EXIT = "exit";

    /** What the monitor takes for its record when a life begins. */
    private static final String EXIT_PART = "exit.part";

    private static final String LOG = "log";
    private static final String LAYERS = "layers";
    private static final int RECORD_MAX = 64 * 1024;

    private final Syscalls syscalls;
    private final Path state;
    private final Path removed;
    private final Path run;

    SandboxFiles(Syscalls syscalls, SandboxSettings settings) {
        this.syscalls = syscalls;
        this.state = settings.stateDirectory().resolve("sandboxes");
        this.removed = settings.stateDirectory().resolve("removed");
        this.run = settings.runDirectory().resolve("sandboxes");
    }

    void prepare() {
        for (Path directory : List.of(state, removed, run)) {
            FileCalls.makeDirectory(syscalls, directory.toString(), 0700);
        }
    }

    /** Where what cannot be read is put. */
    Path aside() {
        return state.resolveSibling("set-aside");
    }

    /** Whatever bears a name below the state directory. */
    Path entry(String name) {
        return state.resolve(name);
    }

    Path directory(SandboxId id) {
        return state.resolve(id.value());
    }

    private String file(SandboxId id, String name) {
        return directory(id).resolve(name).toString();
    }

    private String runFile(SandboxId id) {
        return run.resolve(id.value()).toString();
    }

    void create(SandboxId id) {
        syscalls.mkdir(directory(id).toString(), 0700);
        syscalls.mkdir(file(id, LAYERS), 0700);
    }

    /** Removes all that is kept of a sandbox: it is there as a whole, or not at all. */
    void remove(SandboxId id) {
        unlink(runFile(id));
        Path residue = removed.resolve(id.value());
        try {
            syscalls.rename(directory(id).toString(), residue.toString());
        } catch (SyscallException e) {
            if (e.errno() != Errno.ENOENT) {
                throw e;
            }
        }
        DirectoryTree.delete(residue);
    }

    /** Deletes what a daemon before this one had removed, and could not delete any more. */
    void clearRemoved() {
        List<String> left = names(removed);
        if (!left.isEmpty()) {
            Thread.ofPlatform()
                    .name("seahaven-removed")
                    .daemon()
                    .start(() -> left.forEach(this::clearRemoved));
        }
    }

    private void clearRemoved(String name) {
        try {
            DirectoryTree.delete(removed.resolve(name));
        } catch (UncheckedIOException e) {
            LOGGER.log(Level.WARNING, "what is left of sandbox " + name + " stays", e);
        }
    }

    /** Whether nothing was put there but drafts: its making was cut at its very beginning. */
    boolean isHardlyBegun(SandboxId id) {
        return names(directory(id)).stream()
                .allMatch(
                        name ->
                                Documents.isPart(name)
                                        || (name.equals(LAYERS) && names(layers(id)).isEmpty()));
    }

    private void unlink(String file) {
        try {
            syscalls.unlink(file);
        } catch (SyscallException e) {
            if (e.errno() != Errno.ENOENT) {
                throw e;
            }
        }
    }

    /**
     * Each life writes behind the one before; when these have written more than half of what one
     * may, they are dropped.
     */
    Fd openLog(SandboxId id, long limit) {
        boolean full = log(id).toFile().length() > limit / 2;
        return syscalls.open(
                file(id, LOG),
                Syscalls.O_WRONLY
                        | Syscalls.O_CREAT
                        | Syscalls.O_APPEND
                        | (full ? Syscalls.O_TRUNC : 0),
                0600);
    }

    Path log(SandboxId id) {
        return directory(id).resolve(LOG);
    }

    Fd openDirectory(SandboxId id) {
        return syscalls.open(directory(id).toString(), Syscalls.O_RDONLY | Syscalls.O_DIRECTORY, 0);
    }

    /** Holds what it has written, where that is kept on disk. */
    Path layers(SandboxId id) {
        return directory(id).resolve(LAYERS);
    }

    /** A detached copy of the mount with the directory for the upper layer. */
    Fd openLayers(SandboxId id) {
        return syscalls.openTree(Fd.AT_FDCWD, file(id, LAYERS), Syscalls.OPEN_TREE_CLONE);
    }

    Fd createRun(SandboxId id) {
        return syscalls.open(
                runFile(id), Syscalls.O_WRONLY | Syscalls.O_CREAT | Syscalls.O_TRUNC, 0600);
    }

    void removeRun(SandboxId id) {
        unlink(runFile(id));
    }

    /** What the monitor wrote when the command was executed. */
    Optional<Report.Launched> readRun(SandboxId id) {
        return readReport(runFile(id))
                .filter(Report.Launched.class::isInstance)
                .map(Report.Launched.class::cast);
    }

    /** What the monitor wrote at the end of a life. */
    Optional<Report.Exited> readExit(SandboxId id) {
        return readReport(file(id, EXIT))
                .filter(Report.Exited.class::isInstance)
                .map(Report.Exited.class::cast);
    }

    /** Whether a life began of which no record tells how it ended. */
    boolean hasBegun(SandboxId id) {
        return syscalls.exists(Fd.AT_FDCWD, file(id, EXIT_PART));
    }

    /** Forgets how a life went, when its end is stored. */
    void clearLife(SandboxId id) {
        unlink(file(id, EXIT_PART)); // first: alone it would tell of a life that nobody knows
        removeRun(id);
        unlink(file(id, EXIT));
        Exit.ASKED.forEach(reason -> unmarkEnding(id, reason));
    }

    private Optional<Report> readReport(String file) {
        try (Fd fd = syscalls.open(file, Syscalls.O_RDONLY, 0)) {
            byte[] bytes = syscalls.read(fd, RECORD_MAX);
            return bytes.length < 4 ? Optional.empty() : Optional.of(ReportCodec.decode(bytes));
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT) {
                return Optional.empty();
            }
            throw e;
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // cut: its writer was killed
        }
    }

    /**
     * The daemon is about to end it: whoever reads the exit record later should know. By the name
     * of an empty file, for which a full disk has room.
     */
    void markEnding(SandboxId id, Exit.Reason reason) {
        syscalls.open(mark(id, reason), Syscalls.O_WRONLY | Syscalls.O_CREAT, 0600).close();
    }

    void unmarkEnding(SandboxId id, Exit.Reason reason) {
        unlink(mark(id, reason));
    }

    private String mark(SandboxId id, Exit.Reason reason) {
        return file(id, "ending-" + reason.name().toLowerCase(Locale.ROOT));
    }

    /** Why the daemon has ended it; null where it did not. */
    Exit.@Nullable Reason readEnding(SandboxId id) {
        return Exit.ASKED.stream()
                .filter(reason -> syscalls.exists(Fd.AT_FDCWD, mark(id, reason)))
                .findFirst()
                .orElse(null);
    }

    /** Makes the upper layer empty again. */
    void resetLayers(SandboxId id) {
        Path layers = layers(id);
        DirectoryTree.delete(layers);
        syscalls.mkdir(layers.toString(), 0700);
    }

    /** Everything below the state directory, by name. */
    List<String> stored() {
        return names(state);
    }

    /** Everything below the run directory, by name. */
    List<String> running() {
        return names(run);
    }

    void removeRun(String name) {
        unlink(run.resolve(name).toString());
    }

    private static List<String> names(Path directory) {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

package dev.seahaven.sandbox.life;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.FileStore;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Keeps those who write without a limit of their own from filling the disk that all share: when
 * less than a reserve is free, the one that takes the most is ended, if it takes as much as the
 * reserve at least; else it is somebody else who fills the disk.
 *
 * @param <T> who writes
 */
final class DiskGuard<T> implements AutoCloseable {

    private static final Logger LOG = System.getLogger(DiskGuard.class.getName());
    private static final Duration INTERVAL = Duration.ofMillis(500);

    /** The reserve is at most this part of the disk. */
    private static final int PART = 20;

    private static final int BLOCK = 512; // of st_blocks, whatever the file system has

    /**
     * What somebody fills.
     *
     * @param directory that holds what has a name
     * @param processes that may hold open what has none any more
     */
    record Growth(Path directory, Supplier<List<Integer>> processes) {}

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final Path place;
    private final long reserve;
    private final Supplier<Map<T, Growth>> writers;
    private final Consumer<T> end;
    private volatile @Nullable FileStore store;
    private volatile @Nullable Thread watching;

    /**
     * @param place on the disk that is guarded
     * @param reserve in bytes; 0 for none
     * @param writers those that write now, and where
     */
    DiskGuard(
            Syscalls syscalls,
            ProcRoot proc,
            Path place,
            long reserve,
            Supplier<Map<T, Growth>> writers,
            Consumer<T> end) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.place = place;
        this.reserve = reserve;
        this.writers = writers;
        this.end = end;
    }

    void start() {
        if (reserve > 0) {
            watching = Thread.ofVirtual().name("seahaven-disk-guard").start(this::watch);
        }
    }

    @Override
    public void close() {
        Thread thread = watching;
        if (thread != null) {
            thread.interrupt();
        }
    }

    /**
     * @throws Problem 503 where the reserve is used already
     */
    void checkRoom() {
        if (reserve > 0 && isLow()) {
            throw new Problem(
                    ProblemType.EXHAUSTED,
                    "Less than "
                            + (reserveNow() >> 20)
                            + " MiB of the disk of "
                            + place
                            + " are free; delete sandboxes, or give limits.diskBytes, which puts"
                            + " the layer into memory.");
        }
    }

    private void watch() {
        while (!Thread.currentThread().isInterrupted()) {
            try {
                Thread.sleep(INTERVAL);
                look();
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                LOG.log(Level.ERROR, "the disk of " + place + " is not guarded now", e);
            }
        }
    }

    /** Ends at most one, for others may have room again when it is gone. */
    void look() {
        if (!isLow()) {
            return;
        }
        T largest = null;
        long most = reserveNow() - 1;
        for (Map.Entry<T, Growth> each : writers.get().entrySet()) {
            long size = size(each.getValue());
            if (size > most) {
                most = size;
                largest = each.getKey();
            }
        }
        if (largest != null) {
            end.accept(largest);
        }
    }

    private boolean isLow() {
        try {
            return store().getUsableSpace() < reserveNow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long reserveNow() {
        try {
            return Math.min(reserve, store().getTotalSpace() / PART);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Found once, because finding it reads the mounts; each call asks the file system anew. */
    private FileStore store() throws IOException {
        FileStore known = store;
        if (known == null) {
            known = Files.getFileStore(place);
            store = known;
        }
        return known;
    }

    private long size(Growth growth) {
        return (named(growth.directory()) + unlinked(growth.processes())) * BLOCK;
    }

    /** The blocks of files that can be reached by name. */
    private long named(Path directory) {
        long[] blocks = {0};
        try (Fd top = syscalls.open(directory.toString(), Syscalls.O_PATH, 0)) {
            Files.walkFileTree(
                    directory,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes about) {
                            blocks[0] += blocks(top, directory.relativize(file), about);
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult visitFileFailed(Path file, IOException failure) {
                            if (failure instanceof FileSystemException deep
                                    && "File name too long".equals(deep.getReason())) {
                                blocks[0] += reserveNow() / BLOCK + 1; // nobody can look there
                            }
                            return FileVisitResult.CONTINUE; // it is written to meanwhile
                        }
                    });
        } catch (IOException | SyscallException e) {
            // It has just been removed.
        }
        return blocks[0];
    }

    private long blocks(Fd top, Path file, BasicFileAttributes about) {
        try (Fd opened =
                syscalls.openat2(
                        top, file.toString(), Syscalls.O_PATH, Syscalls.RESOLVE_NO_SYMLINKS)) {
            return syscalls.fstat(opened).blocks();
        } catch (SyscallException e) {
            // A link, or gone; or its name is no UTF-8, and then holes count too.
            return about.isRegularFile() ? about.size() / BLOCK : 0;
        }
    }

    /** The blocks of files in their root's mount that are open or mapped and have no name. */
    private long unlinked(Supplier<List<Integer>> processes) {
        Map<Long, Long> blocks = new HashMap<>();
        for (int pid : processes.get()) {
            try {
                long root = look(pid + "/root").mount();
                for (String kind : List.of("fd", "map_files")) {
                    addUnlinked(pid + "/" + kind, root, blocks);
                }
            } catch (SyscallException e) {
                LOG.log(Level.DEBUG, "process {0} is not counted: {1}", pid, e.getMessage());
            }
        }
        return blocks.values().stream().mapToLong(Long::longValue).sum();
    }

    private void addUnlinked(String directory, long mount, Map<Long, Long> blocks) {
        for (String name : syscalls.list(proc.path() + "/" + directory)) {
            String link = directory + "/" + name;
            if (proc.link(link)
                    .ifVisible()
                    .filter(target -> target.endsWith(" (deleted)"))
                    .isEmpty()) {
                continue;
            }
            try {
                FileCalls.Stat about = look(link);
                if (about.isRegularFile() && about.mount() == mount) {
                    blocks.put(about.inode(), about.blocks());
                }
            } catch (SyscallException e) {
                // It was closed.
            }
        }
    }

    private FileCalls.Stat look(String file) {
        try (Fd opened = syscalls.open(proc.path() + "/" + file, Syscalls.O_PATH, 0)) {
            return syscalls.fstat(opened);
        }
    }
}

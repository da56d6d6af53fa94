package dev.seahaven.sandbox.guard;

import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.Map;

/** What one has written to the disk: what has a name, and what is only held open. */
final class LayerUsage {

    private static final Logger LOG = System.getLogger(LayerUsage.class.getName());
    private static final int BLOCK = 512; // of st_blocks, whatever the file system has

    private final Syscalls syscalls;
    private final ProcRoot proc;

    LayerUsage(Syscalls syscalls, ProcRoot proc) {
        this.syscalls = syscalls;
        this.proc = proc;
    }

    /**
     * @param bytes in blocks of the disk
     * @param inodes files, directories and links of any kind
     */
    record Taken(long bytes, long inodes) {
        private Taken plus(long moreBytes, long moreInodes) {
            return new Taken(bytes + moreBytes, inodes + moreInodes);
        }
    }

    /** Where it cannot be looked at, it is all that there is. */
    static final Taken UNKNOWN = new Taken(Long.MAX_VALUE / 2, Long.MAX_VALUE / 2);

    Taken of(Guarded guarded, Path layers) {
        Taken named = named(layers);
        Map<Long, Long> unlinked = unlinked(guarded);
        long blocks = unlinked.values().stream().mapToLong(Long::longValue).sum();
        return named.plus(blocks * BLOCK, unlinked.size());
    }

    private Taken named(Path directory) {
        long[] sums = new long[2];
        try (Fd top = syscalls.open(directory.toString(), Syscalls.O_PATH, 0)) {
            Files.walkFileTree(
                    directory,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult preVisitDirectory(
                                Path path, BasicFileAttributes about) {
                            return add(path, about);
                        }

                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes about) {
                            return add(file, about);
                        }

                        private FileVisitResult add(Path file, BasicFileAttributes about) {
                            sums[0] += blocks(top, directory.relativize(file), about);
                            sums[1]++;
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult visitFileFailed(Path file, IOException failure) {
                            if (failure instanceof FileSystemException deep
                                    && "File name too long".equals(deep.getReason())) {
                                sums[0] += UNKNOWN.bytes / BLOCK; // nobody can look there
                            }
                            return FileVisitResult.CONTINUE; // it is written to meanwhile
                        }
                    });
        } catch (IOException | SyscallException e) {
            // It has just been removed.
        }
        return new Taken(sums[0] * BLOCK, sums[1]);
    }

    private long blocks(Fd top, Path file, BasicFileAttributes about) {
        try (Fd opened =
                syscalls.openat2(
                        top,
                        file.toString().isEmpty() ? "." : file.toString(),
                        Syscalls.O_PATH | Syscalls.O_NOFOLLOW,
                        Syscalls.RESOLVE_NO_SYMLINKS)) {
            return syscalls.fstat(opened).blocks();
        } catch (SyscallException e) {
            // Gone; or its name is no UTF-8, and then holes count too.
            return about.isRegularFile() ? about.size() / BLOCK : 0;
        }
    }

    /** The blocks of files in their root's mount that are open or mapped and have no name. */
    private Map<Long, Long> unlinked(Guarded guarded) {
        Map<Long, Long> blocks = new HashMap<>();
        for (int pid : guarded.processes()) {
            try {
                long root = look(pid + "/root").mount();
                addUnlinked(pid + "/fd", root, blocks);
                addUnlinked(pid + "/map_files", root, blocks);
            } catch (SyscallException e) {
                LOG.log(Level.DEBUG, "process {0} is not counted: {1}", pid, e.getMessage());
            }
        }
        return blocks;
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

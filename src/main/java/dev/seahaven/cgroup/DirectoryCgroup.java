package dev.seahaven.cgroup;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** What both versions have in common: a group is a directory with files to read and write. */
abstract class DirectoryCgroup implements Cgroup {

    private static final Duration REMOVAL = Duration.ofSeconds(10);
    private static final int FILE_MAX = 1 << 20;

    final Syscalls syscalls;
    final Path directory;
    private final String path;

    DirectoryCgroup(Syscalls syscalls, Path directory, String path) {
        this.syscalls = syscalls;
        this.directory = directory;
        this.path = path;
    }

    @Override
    public String path() {
        return path;
    }

    Fd open() {
        return syscalls.open(directory.toString(), Syscalls.O_RDONLY | Syscalls.O_DIRECTORY, 0);
    }

    String read(String file) {
        try (Fd fd = syscalls.open(directory.resolve(file).toString(), Syscalls.O_RDONLY, 0)) {
            return new String(syscalls.read(fd, FILE_MAX), StandardCharsets.US_ASCII).trim();
        }
    }

    void write(String file, String text) {
        try (Fd fd = syscalls.open(directory.resolve(file).toString(), Syscalls.O_WRONLY, 0)) {
            syscalls.write(fd, text.getBytes(StandardCharsets.US_ASCII));
        }
    }

    /** Waits in short steps, that grow, until it holds or the time is over. */
    static boolean await(Duration time, BooleanSupplier condition) {
        long end = System.nanoTime() + time.toNanos();
        long pause = 100_000;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                return false;
            }
            LockSupport.parkNanos(pause);
            pause = Math.min(2 * pause, 20_000_000);
        }
        return true;
    }

    @Override
    public void remove() {
        if (!tryRemove(directory)) {
            kill();
            removeTree(directory);
        }
    }

    private void removeTree(Path group) {
        if (tryRemove(group)) {
            return;
        }
        for (String child : Cgroups.subdirectories(group)) {
            removeTree(group.resolve(child));
        }
        if (!await(REMOVAL, () -> tryRemove(group))) {
            syscalls.rmdir(group.toString());
        }
    }

    private boolean tryRemove(Path group) {
        try {
            syscalls.rmdir(group.toString());
            return true;
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT) {
                return true;
            }
            if (e.errno() == Errno.EBUSY) {
                return false;
            }
            throw e;
        }
    }
}

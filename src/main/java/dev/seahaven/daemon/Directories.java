package dev.seahaven.daemon;

import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.Optional;

/** The daemon's directories, the lock that tells whether a daemon lives, and the socket's owner. */
@Component
class Directories {

    private static final int FILE_MAX = 256;

    private final Syscalls syscalls;
    private final Path run;
    private final Path state;
    private final String group;
    private @Nullable FileChannel lock;
    private @Nullable FileChannel stateLock;

    Directories(Syscalls syscalls, SeahavenProperties properties) {
        this.syscalls = syscalls;
        this.run = properties.runDirectory();
        this.state = properties.stateDirectory();
        this.group = properties.group();
    }

    Path socket() {
        return run.resolve("seahaven.sock");
    }

    /** Where the web server works; made, with the empty directory that it serves. */
    Path web() {
        Path web = run.resolve("web");
        create(web.resolve("empty"));
        return web;
    }

    /** Whether the process was given the socket, listening, as its standard input. */
    boolean isSocketInherited() {
        try {
            return System.inheritedChannel() instanceof ServerSocketChannel channel
                    && UnixDomainSocketAddress.of(socket()).equals(channel.getLocalAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The web server wants a directory that is no more open than the socket in it. */
    void prepare() {
        Optional<GroupPrincipal> members = group();
        make(run, members.isPresent() ? 0750 : 0700);
        members.ifPresent(principal -> give(run, principal));
        make(state, 0700);
    }

    private void make(Path directory, int mode) {
        create(directory);
        syscalls.chmod(directory.toString(), mode);
    }

    private static void create(Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new CannotStartException(
                    "the directory " + directory + " cannot be made: " + e,
                    "Set seahaven.run-directory and seahaven.state-directory to directories that"
                            + " are there or can be made.",
                    e);
        }
    }

    private Optional<GroupPrincipal> group() {
        try {
            return Optional.of(
                    FileSystems.getDefault()
                            .getUserPrincipalLookupService()
                            .lookupPrincipalByGroupName(group));
        } catch (UserPrincipalNotFoundException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void give(Path path, GroupPrincipal members) {
        try {
            Files.getFileAttributeView(path, PosixFileAttributeView.class).setGroup(members);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Takes the locks of both directories; then a socket that is there has no daemon, and is
     * removed.
     *
     * @throws CannotStartException when another daemon has one
     */
    void lock() {
        try {
            FileChannel ofRun = lock(run.resolve("lock"));
            try {
                stateLock = lock(state.resolve("state.lock"));
            } catch (CannotStartException e) {
                ofRun.close();
                throw e;
            }
            lock = ofRun;
            if (!isSocketInherited()) {
                Files.deleteIfExists(socket());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static FileChannel lock(Path file) throws IOException {
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (channel.tryLock() == null) {
            channel.close();
            throw CannotStartException.anotherRuns(file);
        }
        return channel;
    }

    void unlock() {
        try {
            if (stateLock != null) {
                stateLock.close();
                stateLock = null;
            }
            if (lock != null) { // without it the socket is another daemon's
                if (!isSocketInherited()) {
                    Files.deleteIfExists(socket());
                }
                lock.close();
                lock = null;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Lets the group use the socket; the mode is set before anybody can connect. Also one that was
     * inherited: systemd gives all in a RuntimeDirectory to the unit's own group at each start.
     */
    void giveSocket() {
        group().ifPresent(members -> give(socket(), members));
    }

    /**
     * Whether the run directory is of this boot; afterwards it is. On some hosts it is on disk and
     * survives.
     */
    boolean isSameBoot(ProcRoot proc) {
        String now = proc.read("sys/kernel/random/boot_id").map(String::trim).orElse("");
        Path file = run.resolve("boot-id");
        String before = "";
        try (Fd fd = syscalls.open(file.toString(), Syscalls.O_RDONLY, 0)) {
            before = new String(syscalls.read(fd, FILE_MAX), StandardCharsets.US_ASCII);
        } catch (SyscallException e) {
            if (e.errno() != Errno.ENOENT) {
                throw e;
            }
        }
        if (before.equals(now)) {
            return true;
        }
        try (Fd fd =
                syscalls.open(
                        file.toString(),
                        Syscalls.O_WRONLY | Syscalls.O_CREAT | Syscalls.O_TRUNC,
                        0600)) {
            syscalls.write(fd, now.getBytes(StandardCharsets.US_ASCII));
        }
        return false;
    }
}

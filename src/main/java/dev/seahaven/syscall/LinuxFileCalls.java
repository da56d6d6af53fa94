package dev.seahaven.syscall;

import static dev.seahaven.syscall.Calling.O_CLOEXEC;
import static dev.seahaven.syscall.Calling.call;
import static dev.seahaven.syscall.Calling.fd;
import static dev.seahaven.syscall.Calling.oDirectory;
import static dev.seahaven.syscall.Calling.oNofollow;
import static dev.seahaven.syscall.Calling.quoted;
import static dev.seahaven.text.KernelText.cString;

import com.sun.jna.Memory;

import dev.seahaven.text.KernelText;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** {@link FileCalls} by JNA. */
abstract class LinuxFileCalls implements FileCalls {

    /** Links of namespaces and descriptors are shorter. */
    private static final int LINK_USUAL = 128;

    private static final int LINK_MAX = 4096;
    private static final byte[] NO_PATH = cString("");

    /** Of struct linux_dirent64 (getdents64(2)). */
    private static final long DIRENT_RECLEN = 16;

    private static final long DIRENT_NAME = 19;

    static final int F_ADD_SEALS = 1033;
    static final int LOCK_EX = 2;
    static final int LOCK_NB = 4;
    private static final int MFD_CLOEXEC = 1;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_WITH_MNT_ID = 0x1000; // since Linux 5.8

    private static int flagsHere(int flags) {
        int here = flags & ~(O_DIRECTORY | O_NOFOLLOW);
        here |= (flags & O_DIRECTORY) == 0 ? 0 : oDirectory();
        return here | ((flags & O_NOFOLLOW) == 0 ? 0 : oNofollow());
    }

    @Override
    public Fd open(String path, int flags, int mode) {
        return fd(
                () -> Libc.open(cString(path), flagsHere(flags) | O_CLOEXEC, mode),
                () -> quoted("open", path));
    }

    @Override
    public Fd openat2(Fd dir, String path, int flags, long resolve) {
        try (Scratch scratch = Scratch.take()) {
            Memory how = scratch.cleared(Layout.OPEN_HOW_SIZE);
            how.setLong(0, Integer.toUnsignedLong(flagsHere(flags) | O_CLOEXEC));
            how.setLong(Layout.OPEN_HOW_RESOLVE, resolve);
            return fd(
                    () ->
                            (int)
                                    Libc.syscall(
                                            (long) SyscallNumber.OPENAT2.value(),
                                            dir.number(),
                                            cString(path),
                                            how,
                                            (long) Layout.OPEN_HOW_SIZE),
                    () -> quoted("openat2", path));
        }
    }

    @Override
    public byte[] read(Fd fd, int most) {
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        int size = Math.min(most, Scratch.SIZE); // files of /proc are read whole at once
        try (Scratch scratch = Scratch.take()) {
            Memory buffer = scratch.memory();
            int got = -1;
            while (got != 0 && read.size() < most) {
                int here = Math.min(size, most - read.size());
                got =
                        call(
                                () -> (int) Libc.read(fd.number(), buffer, here),
                                () -> "read(" + fd + ")");
                read.writeBytes(buffer.getByteArray(0, got));
            }
        }
        return read.toByteArray();
    }

    @Override
    public byte[] pread(Fd fd, int most) {
        try (Memory buffer = new Memory(most)) {
            int got =
                    call(() -> Libc.pread(fd.number(), buffer, most, 0), () -> "pread(" + fd + ")");
            return buffer.getByteArray(0, got);
        }
    }

    @Override
    public void write(Fd fd, byte[] bytes) {
        int done = 0;
        while (done < bytes.length) {
            byte[] rest = done == 0 ? bytes : Arrays.copyOfRange(bytes, done, bytes.length);
            done +=
                    call(
                            () -> Libc.write(fd.number(), rest, rest.length),
                            () -> "write(" + fd + ")");
        }
    }

    @Override
    public Room fstatfs(Fd fd) {
        try (Scratch scratch = Scratch.take()) {
            Memory statfs = scratch.memory();
            call(() -> Libc.fstatfs(fd.number(), statfs), () -> "fstatfs(" + fd + ")");
            long block = statfs.getLong(Layout.STATFS_BSIZE);
            return new Room(
                    block * statfs.getLong(Layout.STATFS_BLOCKS),
                    block * statfs.getLong(Layout.STATFS_BAVAIL),
                    statfs.getLong(Layout.STATFS_FILES),
                    statfs.getLong(Layout.STATFS_FFREE));
        }
    }

    @Override
    public Stat fstat(Fd fd) {
        try (Scratch scratch = Scratch.take()) {
            Memory statx = scratch.cleared(Layout.STATX_SIZE);
            call(
                    () ->
                            Libc.syscall(
                                    SyscallNumber.STATX.value(),
                                    fd.number(),
                                    NO_PATH,
                                    AT_EMPTY_PATH,
                                    STATX_BASIC_STATS | STATX_WITH_MNT_ID,
                                    statx),
                    () -> "statx(" + fd + ")");
            return new Stat(
                    Short.toUnsignedInt(statx.getShort(Layout.STATX_MODE)),
                    statx.getInt(Layout.STATX_UID),
                    statx.getInt(Layout.STATX_GID),
                    Integer.toUnsignedLong(statx.getInt(Layout.STATX_DEV_MAJOR)) << 32
                            | Integer.toUnsignedLong(statx.getInt(Layout.STATX_DEV_MINOR)),
                    statx.getLong(Layout.STATX_INO),
                    statx.getInt(Layout.STATX_RDEV_MAJOR),
                    statx.getInt(Layout.STATX_RDEV_MINOR),
                    statx.getLong(Layout.STATX_BLOCKS),
                    statx.getLong(Layout.STATX_MNT_ID));
        }
    }

    @Override
    public List<String> list(Fd directory, int most) {
        List<String> names = new ArrayList<>();
        try (Scratch scratch = Scratch.take()) {
            Memory entries = scratch.memory();
            while (true) {
                int got =
                        call(
                                () ->
                                        Libc.syscall(
                                                SyscallNumber.GETDENTS64.value(),
                                                directory.number(),
                                                entries,
                                                Scratch.SIZE),
                                () -> "getdents64(" + directory + ")");
                if (got == 0) {
                    return names;
                }
                for (int at = 0; at < got; ) {
                    int size = Short.toUnsignedInt(entries.getShort(at + DIRENT_RECLEN));
                    byte[] entry = entries.getByteArray(at + DIRENT_NAME, size - (int) DIRENT_NAME);
                    int length = 0;
                    while (entry[length] != 0) {
                        length++;
                    }
                    String name = KernelText.decode(entry, 0, length);
                    if (!name.equals(".") && !name.equals("..")) {
                        names.add(name);
                    }
                    at += size;
                }
                if (names.size() > most) {
                    throw new SyscallException("getdents64(" + directory + ")", Errno.EOVERFLOW);
                }
            }
        }
    }

    @Override
    public String readlinkat(Fd dir, String path) {
        byte[] buffer = new byte[LINK_USUAL];
        int length = readlinkat(dir, path, buffer);
        if (length == buffer.length) { // it may have been cut
            buffer = new byte[LINK_MAX];
            length = readlinkat(dir, path, buffer);
        }
        return KernelText.decode(buffer, 0, length);
    }

    private static int readlinkat(Fd dir, String path, byte[] buffer) {
        return call(
                () -> (int) Libc.readlinkat(dir.number(), cString(path), buffer, buffer.length),
                () -> quoted("readlinkat", path));
    }

    @Override
    public boolean exists(Fd dir, String path) {
        try {
            call(
                    () -> Libc.faccessat(dir.number(), cString(path), 0, AT_SYMLINK_NOFOLLOW),
                    () -> quoted("faccessat", path));
            return true;
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
                return false;
            }
            throw e;
        }
    }

    @Override
    public void mkdir(String path, int mode) {
        call(() -> Libc.mkdir(cString(path), mode), () -> quoted("mkdir", path));
    }

    @Override
    public void rmdir(String path) {
        call(() -> Libc.rmdir(cString(path)), () -> quoted("rmdir", path));
    }

    @Override
    public void unlink(String path) {
        call(() -> Libc.unlink(cString(path)), () -> quoted("unlink", path));
    }

    @Override
    public void rename(String from, String to) {
        call(
                () -> Libc.rename(cString(from), cString(to)),
                () -> "rename(\"" + from + "\", \"" + to + "\")");
    }

    @Override
    public boolean tryFlock(Fd fd) {
        try {
            call(() -> Libc.flock(fd.number(), LOCK_EX | LOCK_NB), () -> "flock(" + fd + ")");
            return true;
        } catch (SyscallException e) {
            if (e.errno() == Errno.EAGAIN) {
                return false;
            }
            throw e;
        }
    }

    @Override
    public void chown(String path, int uid, int gid) {
        call(() -> Libc.chown(cString(path), uid, gid), () -> quoted("chown", path));
    }

    @Override
    public void chmod(String path, int mode) {
        call(() -> Libc.chmod(cString(path), mode), () -> quoted("chmod", path));
    }

    @Override
    public Fd memfdCreate(String name, int flags) {
        try {
            return memfd(name, flags);
        } catch (SyscallException e) {
            if (e.errno() != Errno.EINVAL || (flags & MFD_EXEC) == 0) {
                throw e;
            }
            return memfd(name, flags & ~MFD_EXEC);
        }
    }

    private static Fd memfd(String name, int flags) {
        return fd(
                () -> Libc.memfd_create(cString(name), flags | MFD_CLOEXEC),
                () -> quoted("memfd_create", name));
    }

    @Override
    public void addSeals(Fd memfd, int seals) {
        try {
            seal(memfd, seals);
        } catch (SyscallException e) {
            if (e.errno() != Errno.EINVAL || (seals & F_SEAL_EXEC) == 0) {
                throw e;
            }
            seal(memfd, seals & ~F_SEAL_EXEC);
        }
    }

    private static void seal(Fd memfd, int seals) {
        call(
                () -> Libc.fcntl(memfd.number(), F_ADD_SEALS, seals),
                () -> "fcntl(" + memfd + ", F_ADD_SEALS)");
    }
}

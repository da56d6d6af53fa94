package dev.seahaven.syscall;

import java.util.List;

/** Calls on files and directories: open(2), read(2), stat(2), mkdir(2) and their kin. */
public interface FileCalls {

    int AT_EMPTY_PATH = 0x1000;
    int AT_SYMLINK_NOFOLLOW = 0x100;
    int O_RDONLY = 0;
    int O_WRONLY = 1;
    int O_RDWR = 2;
    int O_CREAT = 0100;
    int O_EXCL = 0200;
    int O_TRUNC = 01000;
    int O_APPEND = 02000;
    int O_NONBLOCK = 04000;

    /** For x86; the flags of openat2(2) that differ on Arm are set by {@link LinuxSyscalls}. */
    int O_DIRECTORY = 0200000;

    /** For x86, as O_DIRECTORY. */
    int O_NOFOLLOW = 0400000;

    int O_PATH = 010000000;
    long RESOLVE_NO_XDEV = 0x01;
    long RESOLVE_NO_MAGICLINKS = 0x02;
    long RESOLVE_NO_SYMLINKS = 0x04;
    long RESOLVE_BENEATH = 0x08;
    long RESOLVE_IN_ROOT = 0x10;
    int MFD_EXEC = 0x10;
    int MFD_ALLOW_SEALING = 0x02;
    int F_SEAL_SEAL = 0x01;
    int F_SEAL_SHRINK = 0x02;
    int F_SEAL_GROW = 0x04;
    int F_SEAL_WRITE = 0x08;
    int F_SEAL_EXEC = 0x20;

    /**
     * What {@link #fstat} tells: the file type and permissions as in {@code st_mode}, and the
     * owner; {@code major} and {@code minor} of a device node; {@code blocks} of 512 bytes that it
     * takes; the {@code mount} that it was reached by.
     */
    record Stat(
            int mode,
            int uid,
            int gid,
            long device,
            long inode,
            int major,
            int minor,
            long blocks,
            long mount) {
        private static final int S_IFMT = 0170000;
        private static final int S_IFCHR = 0020000;
        private static final int S_IFSOCK = 0140000;
        private static final int S_IFBLK = 0060000;
        private static final int S_IFDIR = 0040000;

        private static final int S_IFREG = 0100000;

        public boolean isCharacterDevice() {
            return (mode & S_IFMT) == S_IFCHR;
        }

        public boolean isSocket() {
            return (mode & S_IFMT) == S_IFSOCK;
        }

        public boolean isBlockDevice() {
            return (mode & S_IFMT) == S_IFBLK;
        }

        public boolean isRegularFile() {
            return (mode & S_IFMT) == S_IFREG;
        }

        public boolean isDirectory() {
            return (mode & S_IFMT) == S_IFDIR;
        }
    }

    /** open(2). */
    Fd open(String path, int flags, int mode);

    /** openat2(2), relative to {@code dir}. */
    Fd openat2(Fd dir, String path, int flags, long resolve);

    /** read(2) up to the end, at most {@code most} bytes. */
    byte[] read(Fd fd, int most);

    /** pread(2) from the start, once: for small files that the kernel makes at each reading. */
    byte[] pread(Fd fd, int most);

    /** A file below {@code dir}, up to its end, at most {@code most} bytes. */
    default byte[] readFile(Fd dir, String file, int most) {
        try (Fd open = openat2(dir, file, O_RDONLY, 0)) {
            return read(open, most);
        }
    }

    /**
     * A file that somebody else made, below a root of theirs: links stay inside. What is there is
     * looked at before it is opened, as to open a device or a FIFO does something already.
     *
     * @return empty where it is no regular file
     */
    default byte[] readForeignFile(Fd root, String file, int most) {
        try (Fd found = openat2(root, file, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)) {
            if (!fstat(found).isRegularFile()) {
                return new byte[0];
            }
            String again = "/proc/thread-self/fd/" + found.number();
            try (Fd open = open(again, O_RDONLY | O_NONBLOCK, 0)) {
                return read(open, most);
            }
        }
    }

    /** write(2), all of it. */
    void write(Fd fd, byte[] bytes);

    /** fstat(2), also of an O_PATH descriptor. */
    Stat fstat(Fd fd);

    /**
     * What a file system has, and what of it is free for who is not root; {@code inodes} are 0
     * where it makes them as it needs them.
     */
    record Room(long bytes, long freeBytes, long inodes, long freeInodes) {}

    /** fstatfs(2), also of an O_PATH descriptor. */
    Room fstatfs(Fd fd);

    /**
     * getdents64(2) to the end: the names in a directory, but {@code .} and {@code ..}.
     *
     * @param most names, for a directory that somebody else fills
     * @throws SyscallException EOVERFLOW where there are more
     */
    List<String> list(Fd directory, int most);

    /** The names in a directory of the kernel's, or one of the daemon's own. */
    default List<String> list(Fd directory) {
        return list(directory, Integer.MAX_VALUE);
    }

    /** The names in a directory. */
    default List<String> list(String directory) {
        try (Fd open = open(directory, O_RDONLY | O_DIRECTORY, 0)) {
            return list(open);
        }
    }

    /** readlinkat(2): the target, at most 4,096 bytes. */
    String readlinkat(Fd dir, String path);

    /** faccessat(2), does not throw for ENOENT and ENOTDIR. */
    boolean exists(Fd dir, String path);

    /** mkdir(2). */
    void mkdir(String path, int mode);

    /** Makes a directory, unless it is there. */
    static void makeDirectory(FileCalls calls, String path, int mode) {
        try {
            calls.mkdir(path, mode);
        } catch (SyscallException e) {
            if (e.errno() != Errno.EEXIST) {
                throw e;
            }
        }
    }

    /** rmdir(2). */
    void rmdir(String path);

    /** unlink(2). */
    void unlink(String path);

    /** rename(2). */
    void rename(String from, String to);

    /** flock(2) with LOCK_EX and LOCK_NB: whether it is held now. */
    boolean tryFlock(Fd fd);

    /** chown(2); -1 leaves an id as it is. */
    void chown(String path, int uid, int gid);

    /** chmod(2). */
    void chmod(String path, int mode);

    /**
     * memfd_create(2). A kernel that does not know MFD_EXEC (before 6.3) is asked again without it.
     */
    Fd memfdCreate(String name, int flags);

    /**
     * fcntl(2) with F_ADD_SEALS; F_SEAL_EXEC is left out where the kernel does not know it (before
     * 6.3).
     */
    void addSeals(Fd memfd, int seals);
}

package dev.seahaven.syscall;

import java.util.List;
import java.util.OptionalInt;

/**
 * The system calls that the daemon makes, with the kernel's names and order of parameters. Every
 * descriptor that comes back is close-on-exec. All methods throw {@link SyscallException}; those
 * that wait are repeated after EINTR.
 */
public interface Syscalls {

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

    int O_PATH = 010000000;
    int OPEN_TREE_CLONE = 1;
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
    int EPOLLIN = 1;

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

    /**
     * A message of a SEQPACKET socket with the descriptors that came in SCM_RIGHTS; no bytes mean
     * that the peer is gone.
     */
    record Message(byte[] bytes, List<Fd> fds) {}

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

    /** write(2), all of it. */
    void write(Fd fd, byte[] bytes);

    /** fstat(2), also of an O_PATH descriptor. */
    Stat fstat(Fd fd);

    /** faccessat(2), does not throw for ENOENT and ENOTDIR. */
    boolean exists(Fd dir, String path);

    /** The ABI of Landlock (landlock_create_ruleset(2)); 0 where there is none. */
    int landlockAbi();

    /** prlimit(2): sets both limits of another process. */
    void prlimit(int pid, int resource, long value);

    /**
     * bpf(2), BPF_PROG_LOAD.
     *
     * @param type BPF_PROG_TYPE_*
     * @param instructions {@code struct bpf_insn[]}
     */
    Fd bpfProgLoad(int type, byte[] instructions);

    /**
     * bpf(2), BPF_PROG_ATTACH beside what is attached already.
     *
     * @param type BPF_CGROUP_*
     */
    void bpfProgAttach(Fd cgroup, Fd program, int type);

    /** mkdir(2). */
    void mkdir(String path, int mode);

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

    /** socketpair(2) of the kind AF_UNIX, SOCK_SEQPACKET. */
    Fd[] socketpair();

    /** sendmsg(2) with SCM_RIGHTS and MSG_NOSIGNAL. */
    void sendmsg(Fd socket, byte[] bytes, List<Fd> fds);

    /** recvmsg(2) of one message of at most {@code most} bytes. */
    Message recvmsg(Fd socket, int most);

    /** Whether fsopen(2) knows a file system; the kernel loads its module where there is one. */
    boolean knowsFileSystem(String type);

    /** A socket(2) of AF_UNIX that sends datagrams. */
    Fd datagramSocket();

    /**
     * sendto(2) of one datagram.
     *
     * @param path of the receiver's socket; a leading {@code @} is for an abstract one (unix(7))
     */
    void sendto(Fd socket, byte[] bytes, String path);

    /** open_tree(2). */
    Fd openTree(Fd dir, String path, int flags);

    /**
     * posix_spawn(3) of a program in a session of its own, with {@code stdin} as its standard
     * input. Returns the pid.
     */
    int posixSpawn(String path, List<String> arguments, List<String> environment, Fd stdin);

    /** waitpid(2) for a child of this process. Returns the status as of wait(2). */
    int waitpid(int pid);

    /** pidfd_open(2). */
    PidFd pidfdOpen(int pid);

    /** pidfd_send_signal(2). */
    void pidfdSendSignal(PidFd pidfd, Signal signal);

    /**
     * The status, as of wait(2), of a process that has ended, whoever reaped it: ioctl
     * PIDFD_GET_INFO with PIDFD_INFO_EXIT (Linux 6.15). Empty where it still runs or the kernel
     * does not tell.
     */
    OptionalInt pidfdExitStatus(PidFd pidfd);

    /** Whether a process has ended: poll(2) of its pidfd, without waiting. */
    boolean hasEnded(PidFd pidfd);

    /** epoll_create1(2). */
    Fd epollCreate1();

    /** epoll_ctl(2): reports {@code key} when {@code fd} becomes readable or hangs up. */
    void epollAdd(Fd epoll, Fd fd, long key);

    /** epoll_ctl(2) with EPOLL_CTL_DEL. */
    void epollDelete(Fd epoll, Fd fd);

    /** epoll_wait(2) without a time limit: the keys of what is ready. */
    long[] epollWait(Fd epoll, int most);

    /**
     * poll(2) without waiting: whether the mounts have changed since the last call with this
     * descriptor of a mountinfo file.
     */
    boolean mountsHaveChanged(Fd mountinfo);

    /** Whether the kernel knows a system call: it is made with arguments that no kernel accepts. */
    boolean knows(int syscall);

    /**
     * Whether a file system takes an option whose value is a descriptor, here of {@code path}
     * (fsconfig(2)); nothing is mounted.
     */
    boolean fileSystemHasOption(String type, String option, String path);

    /** Whether {@link #pidfdExitStatus} can know anything on this kernel; the process lives. */
    boolean knowsPidfdExitInfo(PidFd pidfd);

    /** The effective user id. */
    int geteuid();
}

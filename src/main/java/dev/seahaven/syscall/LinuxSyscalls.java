package dev.seahaven.syscall;

import com.sun.jna.LastErrorException;
import com.sun.jna.Memory;
import com.sun.jna.NativeLong;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/** {@link Syscalls} by JNA, for 64-bit x86 and Arm. */
public final class LinuxSyscalls implements Syscalls {

    static final int O_CLOEXEC = 02000000;
    static final int MSG_CMSG_CLOEXEC = 0x40000000;
    static final int MSG_NOSIGNAL = 0x4000;
    static final int MSG_CUT = 0x28;
    static final int SEQPACKET_CLOEXEC = 5 | 02000000;
    static final int DATAGRAM_CLOEXEC = 2 | 02000000;
    static final int F_ADD_SEALS = 1033;
    static final int LOCK_EX = 2;
    static final int LOCK_NB = 4;
    static final int SYS_PIDFD_SEND_SIGNAL = 424;
    static final int SYS_OPEN_TREE = 428;
    static final int SYS_FSOPEN = 430;
    static final int SYS_FSCONFIG = 431;
    static final int SYS_PIDFD_OPEN = 434;
    static final int SYS_OPENAT2 = 437;
    static final int SYS_LANDLOCK_CREATE_RULESET = 444;
    static final int SYS_BPF = Platform.isARM() ? 280 : 321;
    private static final int BPF_PROG_LOAD = 5;
    private static final int BPF_PROG_ATTACH = 8;
    private static final int BPF_F_ALLOW_MULTI = 2;
    private static final int BPF_ATTRIBUTES_SIZE = 120;

    private static final boolean X86 = "amd64".equals(System.getProperty("os.arch"));
    private static final int AF_UNIX = 1;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MAX_FDS = 64;
    private static final int OPEN_TREE_CLOEXEC = O_CLOEXEC;
    private static final int MFD_CLOEXEC = 1;
    private static final int FSOPEN_CLOEXEC = 1;
    private static final int FSCONFIG_SET_FD = 5;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_WITH_MNT_ID = 0x1000; // since Linux 5.8
    private static final short POSIX_SPAWN_SETSID = 0x80;
    private static final int POLLIN = 1;
    private static final int POLLPRI = 2;

    /** _IOWR(0xFF, 11, struct pidfd_info) with the first published size (linux/pidfd.h). */
    private static final long PIDFD_GET_INFO = 0xc040ff0bL;

    /**
     * Files of /proc are read whole at once up to this; larger, malloc would map and unmap memory.
     */
    private static final int READ_SIZE = 1 << 16;

    private static final int PIDFD_INFO_SIZE = 64;
    private static final long PIDFD_INFO_EXIT = 1 << 3;
    private static final int PIDFD_INFO_EXIT_CODE = 60;

    static final Fd.Closer CLOSE = Libc::close;

    static int oDirectory() {
        return X86 ? O_DIRECTORY : 040000;
    }

    static int sysStatx() {
        return X86 ? 332 : 291;
    }

    /** struct epoll_event is packed on x86 only (epoll_event(3type)). */
    static int epollEventSize() {
        return X86 ? 12 : 16;
    }

    private static int flagsHere(int flags) {
        return (flags & O_DIRECTORY) == 0 ? flags : (flags & ~O_DIRECTORY) | oDirectory();
    }

    static NativeLong number(long value) {
        return new NativeLong(value);
    }

    static int call(IntSupplier call, Supplier<String> what) {
        while (true) {
            try {
                return call.getAsInt();
            } catch (LastErrorException e) {
                if (e.getErrorCode() != Errno.EINTR.number()) {
                    throw new SyscallException(what.get(), Errno.of(e.getErrorCode()));
                }
            }
        }
    }

    static Fd fd(IntSupplier call, Supplier<String> what) {
        return new Fd(call(call, what), CLOSE);
    }

    static String quoted(String name, String path) {
        return name + "(\"" + path + "\")";
    }

    @Override
    public Fd open(String path, int flags, int mode) {
        return fd(
                () -> Libc.open(path, flagsHere(flags) | O_CLOEXEC, mode),
                () -> quoted("open", path));
    }

    @Override
    public Fd openat2(Fd dir, String path, int flags, long resolve) {
        try (Memory how = new Memory(Layout.OPEN_HOW_SIZE)) {
            how.clear();
            how.setLong(0, Integer.toUnsignedLong(flagsHere(flags) | O_CLOEXEC));
            how.setLong(Layout.OPEN_HOW_RESOLVE, resolve);
            return fd(
                    () ->
                            Libc.syscall(
                                            number(SYS_OPENAT2),
                                            dir.number(),
                                            path,
                                            how,
                                            number(Layout.OPEN_HOW_SIZE))
                                    .intValue(),
                    () -> quoted("openat2", path));
        }
    }

    @Override
    public byte[] read(Fd fd, int most) {
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        int size = Math.min(most, READ_SIZE);
        try (Memory buffer = new Memory(size)) {
            int got = -1;
            while (got != 0 && read.size() < most) {
                int here = Math.min(size, most - read.size());
                got =
                        call(
                                () -> Libc.read(fd.number(), buffer, number(here)).intValue(),
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
                    call(
                            () ->
                                    Libc.pread(fd.number(), buffer, number(most), number(0))
                                            .intValue(),
                            () -> "pread(" + fd + ")");
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
                            () -> Libc.write(fd.number(), rest, number(rest.length)).intValue(),
                            () -> "write(" + fd + ")");
        }
    }

    @Override
    public Stat fstat(Fd fd) {
        try (Memory statx = new Memory(Layout.STATX_SIZE)) {
            statx.clear();
            call(
                    () ->
                            Libc.syscall(
                                            number(sysStatx()),
                                            fd.number(),
                                            "",
                                            AT_EMPTY_PATH,
                                            STATX_BASIC_STATS | STATX_WITH_MNT_ID,
                                            statx)
                                    .intValue(),
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
    public boolean exists(Fd dir, String path) {
        try {
            call(
                    () -> Libc.faccessat(dir.number(), path, 0, AT_SYMLINK_NOFOLLOW),
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
        call(() -> Libc.mkdir(path, mode), () -> quoted("mkdir", path));
    }

    @Override
    public void rmdir(String path) {
        call(() -> Libc.rmdir(path), () -> quoted("rmdir", path));
    }

    @Override
    public void unlink(String path) {
        call(() -> Libc.unlink(path), () -> quoted("unlink", path));
    }

    @Override
    public void rename(String from, String to) {
        call(() -> Libc.rename(from, to), () -> "rename(\"" + from + "\", \"" + to + "\")");
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
        call(() -> Libc.chown(path, uid, gid), () -> quoted("chown", path));
    }

    @Override
    public void chmod(String path, int mode) {
        call(() -> Libc.chmod(path, mode), () -> quoted("chmod", path));
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
                () -> Libc.memfd_create(name, flags | MFD_CLOEXEC),
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

    @Override
    public Fd[] socketpair() {
        int[] pair = new int[2];
        call(
                () -> Libc.socketpair(AF_UNIX, SEQPACKET_CLOEXEC, 0, pair),
                () -> "socketpair(AF_UNIX, SOCK_SEQPACKET)");
        return new Fd[] {new Fd(pair[0], CLOSE), new Fd(pair[1], CLOSE)};
    }

    @Override
    public Fd datagramSocket() {
        return fd(
                () -> Libc.socket(AF_UNIX, DATAGRAM_CLOEXEC, 0),
                () -> "socket(AF_UNIX, SOCK_DGRAM)");
    }

    @Override
    public void sendto(Fd socket, byte[] bytes, String path) {
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        ByteBuffer address =
                ByteBuffer.allocate(2 + name.length)
                        .order(ByteOrder.nativeOrder())
                        .putShort((short) AF_UNIX)
                        .put(name);
        if (path.startsWith("@")) {
            address.put(2, (byte) 0);
        }
        call(
                () ->
                        Libc.sendto(
                                        socket.number(),
                                        bytes,
                                        number(bytes.length),
                                        MSG_NOSIGNAL,
                                        address.array(),
                                        address.capacity())
                                .intValue(),
                () -> quoted("sendto", path));
    }

    private static int aligned(int size) {
        return (size + 7) & ~7;
    }

    private static Memory message(Memory bytes, long size, Memory control, long controlSize) {
        Memory message = new Memory(Layout.MSGHDR_SIZE + Layout.IOVEC_SIZE);
        message.clear();
        message.setPointer(Layout.MSGHDR_IOV, message.share(Layout.MSGHDR_SIZE));
        message.setLong(Layout.MSGHDR_IOVLEN, 1);
        message.setPointer(Layout.MSGHDR_SIZE, bytes);
        message.setLong(Layout.MSGHDR_SIZE + Layout.IOVEC_LEN, size);
        if (controlSize > 0) {
            message.setPointer(Layout.MSGHDR_CONTROL, control);
            message.setLong(Layout.MSGHDR_CONTROLLEN, controlSize);
        }
        return message;
    }

    @Override
    public void sendmsg(Fd socket, byte[] bytes, List<Fd> fds) {
        int controlSize = fds.isEmpty() ? 0 : Layout.CMSGHDR_SIZE + aligned(4 * fds.size());
        try (Memory data = new Memory(Math.max(1, bytes.length));
                Memory control = new Memory(Math.max(1, controlSize));
                Memory message = message(data, bytes.length, control, controlSize)) {
            data.write(0, bytes, 0, bytes.length);
            if (controlSize > 0) {
                control.clear();
                control.setLong(0, Layout.CMSGHDR_SIZE + 4L * fds.size());
                control.setInt(Layout.CMSGHDR_LEVEL, SOL_SOCKET);
                control.setInt(Layout.CMSGHDR_TYPE, SCM_RIGHTS);
                for (int i = 0; i < fds.size(); i++) {
                    control.setInt(Layout.CMSGHDR_SIZE + 4L * i, fds.get(i).number());
                }
            }
            call(
                    () -> Libc.sendmsg(socket.number(), message, MSG_NOSIGNAL).intValue(),
                    () -> "sendmsg(" + bytes.length + " bytes, " + fds.size() + " descriptors)");
        }
    }

    @Override
    public Message recvmsg(Fd socket, int most) {
        int controlSize = Layout.CMSGHDR_SIZE + aligned(4 * MAX_FDS);
        try (Memory data = new Memory(most);
                Memory control = new Memory(controlSize);
                Memory message = message(data, most, control, controlSize)) {
            int got =
                    call(
                            () ->
                                    Libc.recvmsg(socket.number(), message, MSG_CMSG_CLOEXEC)
                                            .intValue(),
                            () -> "recvmsg(" + socket + ")");
            List<Fd> fds = received(control, message.getLong(Layout.MSGHDR_CONTROLLEN));
            if ((message.getInt(Layout.MSGHDR_FLAGS) & MSG_CUT) != 0) {
                fds.forEach(Fd::close);
                throw new SyscallException("recvmsg(" + socket + ")", Errno.EMSGSIZE);
            }
            return new Message(data.getByteArray(0, got), fds);
        }
    }

    private static List<Fd> received(Memory control, long size) {
        if (size < Layout.CMSGHDR_SIZE
                || control.getInt(Layout.CMSGHDR_LEVEL) != SOL_SOCKET
                || control.getInt(Layout.CMSGHDR_TYPE) != SCM_RIGHTS) {
            return List.of();
        }
        List<Fd> fds = new ArrayList<>();
        for (long at = Layout.CMSGHDR_SIZE; at + 4 <= control.getLong(0); at += 4) {
            fds.add(new Fd(control.getInt(at), CLOSE));
        }
        return fds;
    }

    @Override
    public Fd openTree(Fd dir, String path, int flags) {
        return fd(
                () ->
                        Libc.syscall(
                                        number(SYS_OPEN_TREE),
                                        dir.number(),
                                        path,
                                        flags | OPEN_TREE_CLOEXEC)
                                .intValue(),
                () -> quoted("open_tree", path));
    }

    @Override
    public int posixSpawn(String path, List<String> arguments, List<String> environment, Fd stdin) {
        int[] pid = new int[1];
        List<Memory> strings = new ArrayList<>();
        try (Memory actions = new Memory(Layout.SPAWN_TYPE_SIZE);
                Memory attributes = new Memory(Layout.SPAWN_TYPE_SIZE);
                Memory argv = vector(arguments, strings);
                Memory envp = vector(environment, strings)) {
            Libc.posix_spawn_file_actions_init(actions);
            Libc.posix_spawnattr_init(attributes);
            Libc.posix_spawn_file_actions_adddup2(actions, stdin.number(), 0);
            Libc.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID);
            int error = Libc.posix_spawn(pid, path, actions, attributes, argv, envp);
            Libc.posix_spawn_file_actions_destroy(actions);
            Libc.posix_spawnattr_destroy(attributes);
            if (error != 0) {
                throw new SyscallException(quoted("posix_spawn", path), Errno.of(error));
            }
            return pid[0];
        } finally {
            strings.forEach(Memory::close);
        }
    }

    private static Memory vector(List<String> texts, List<Memory> strings) {
        Memory vector = new Memory(8L * (texts.size() + 1));
        vector.clear();
        for (int i = 0; i < texts.size(); i++) {
            byte[] bytes = texts.get(i).getBytes(StandardCharsets.UTF_8);
            Memory string = new Memory(bytes.length + 1L);
            string.clear();
            string.write(0, bytes, 0, bytes.length);
            strings.add(string);
            vector.setPointer(8L * i, string);
        }
        return vector;
    }

    @Override
    public int waitpid(int pid) {
        int[] status = new int[1];
        call(() -> Libc.waitpid(pid, status, 0), () -> "waitpid(" + pid + ")");
        return status[0];
    }

    @Override
    public PidFd pidfdOpen(int pid) {
        int fd =
                call(
                        () -> Libc.syscall(number(SYS_PIDFD_OPEN), pid, 0).intValue(),
                        () -> "pidfd_open(" + pid + ")");
        return new PidFd(pid, fd, CLOSE);
    }

    @Override
    public void pidfdSendSignal(PidFd pidfd, Signal signal) {
        call(
                () ->
                        Libc.syscall(
                                        number(SYS_PIDFD_SEND_SIGNAL),
                                        pidfd.number(),
                                        signal.number(),
                                        Pointer.NULL,
                                        0)
                                .intValue(),
                () -> "pidfd_send_signal(" + pidfd.pid() + ", SIG" + signal + ")");
    }

    @Override
    public OptionalInt pidfdExitStatus(PidFd pidfd) {
        try (Memory info = new Memory(PIDFD_INFO_SIZE)) {
            info.clear();
            info.setLong(0, PIDFD_INFO_EXIT);
            Libc.ioctl(pidfd.number(), number(PIDFD_GET_INFO), info);
            return (info.getLong(0) & PIDFD_INFO_EXIT) == 0
                    ? OptionalInt.empty()
                    : OptionalInt.of(info.getInt(PIDFD_INFO_EXIT_CODE));
        } catch (LastErrorException e) {
            return OptionalInt.empty(); // ENOTTY before Linux 6.13, ESRCH when already reaped
        }
    }

    @Override
    public boolean hasEnded(PidFd pidfd) {
        return poll(pidfd, POLLIN);
    }

    @Override
    public boolean mountsHaveChanged(Fd mountinfo) {
        return poll(mountinfo, POLLPRI);
    }

    private static boolean poll(Fd fd, int events) {
        try (Memory polled = new Memory(Layout.POLLFD_SIZE)) {
            polled.setInt(0, fd.number());
            polled.setShort(Layout.POLLFD_EVENTS, (short) events);
            polled.setShort(Layout.POLLFD_REVENTS, (short) 0);
            return call(() -> Libc.poll(polled, number(1), 0), () -> "poll(" + fd + ")") > 0;
        }
    }

    @Override
    public Fd epollCreate1() {
        return fd(() -> Libc.epoll_create1(O_CLOEXEC), () -> "epoll_create1()");
    }

    @Override
    public void epollAdd(Fd epoll, Fd fd, long key) {
        try (Memory event = new Memory(epollEventSize())) {
            event.clear();
            event.setInt(0, EPOLLIN);
            event.setLong(epollEventSize() - 8L, key);
            call(
                    () -> Libc.epoll_ctl(epoll.number(), 1, fd.number(), event),
                    () -> "epoll_ctl(EPOLL_CTL_ADD, " + fd + ")");
        }
    }

    @Override
    public void epollDelete(Fd epoll, Fd fd) {
        call(
                () -> Libc.epoll_ctl(epoll.number(), 2, fd.number(), Pointer.NULL),
                () -> "epoll_ctl(EPOLL_CTL_DEL, " + fd + ")");
    }

    @Override
    public long[] epollWait(Fd epoll, int most) {
        int size = epollEventSize();
        try (Memory events = new Memory((long) size * most)) {
            int count =
                    call(
                            () -> Libc.epoll_wait(epoll.number(), events, most, -1),
                            () -> "epoll_wait()");
            long[] keys = new long[count];
            for (int i = 0; i < count; i++) {
                keys[i] = events.getLong((long) size * i + size - 8);
            }
            return keys;
        }
    }

    @Override
    public boolean knows(int syscall) {
        try {
            Libc.syscall(number(syscall), -1, 0, Pointer.NULL, 0);
            return true;
        } catch (LastErrorException e) {
            return e.getErrorCode() != Errno.ENOSYS.number();
        }
    }

    @Override
    public boolean fileSystemHasOption(String type, String option, String path) {
        try (Fd fs = fsopen(type);
                Fd value = open(path, O_RDONLY, 0)) {
            Libc.syscall(
                    number(SYS_FSCONFIG),
                    fs.number(),
                    FSCONFIG_SET_FD,
                    option,
                    Pointer.NULL,
                    value.number());
            return true;
        } catch (LastErrorException | SyscallException e) {
            return false;
        }
    }

    @Override
    public boolean knowsFileSystem(String type) {
        try (Fd fs = fsopen(type)) {
            return fs.number() >= 0;
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENODEV) {
                return false;
            }
            throw e;
        }
    }

    static Fd fsopen(String type) {
        return fd(
                () -> Libc.syscall(number(SYS_FSOPEN), type, FSOPEN_CLOEXEC).intValue(),
                () -> quoted("fsopen", type));
    }

    @Override
    public boolean knowsPidfdExitInfo(PidFd pidfd) {
        try (Memory info = new Memory(PIDFD_INFO_SIZE)) {
            info.clear();
            info.setLong(0, PIDFD_INFO_EXIT);
            Libc.ioctl(pidfd.number(), number(PIDFD_GET_INFO), info);
            return true;
        } catch (LastErrorException e) {
            return e.getErrorCode() == Errno.ESRCH.number();
        }
    }

    @Override
    public int geteuid() {
        return Libc.geteuid();
    }

    @Override
    public int landlockAbi() {
        try {
            return call(
                    () -> Libc.syscall(number(SYS_LANDLOCK_CREATE_RULESET), 0, 0, 1).intValue(),
                    () -> "landlock_create_ruleset(LANDLOCK_CREATE_RULESET_VERSION)");
        } catch (SyscallException e) {
            return 0; // ENOSYS, or EOPNOTSUPP where it was switched off
        }
    }

    @Override
    public void prlimit(int pid, int resource, long value) {
        try (Memory limit = new Memory(16)) {
            limit.setLong(0, value);
            limit.setLong(8, value);
            call(
                    () -> Libc.prlimit(pid, resource, limit, null),
                    () -> "prlimit(" + pid + ", " + resource + ", " + value + ")");
        }
    }

    @Override
    public Fd bpfProgLoad(int type, byte[] instructions) {
        try (Memory code = new Memory(instructions.length);
                Memory license = new Memory(4);
                Memory attributes = new Memory(BPF_ATTRIBUTES_SIZE)) {
            code.write(0, instructions, 0, instructions.length);
            license.setString(0, "GPL");
            attributes.clear();
            attributes.setInt(0, type);
            attributes.setInt(4, instructions.length / 8);
            attributes.setPointer(8, code);
            attributes.setPointer(16, license);
            return fd(
                    () ->
                            Libc.syscall(
                                            number(SYS_BPF),
                                            BPF_PROG_LOAD,
                                            attributes,
                                            BPF_ATTRIBUTES_SIZE)
                                    .intValue(),
                    () -> "bpf(BPF_PROG_LOAD, type " + type + ")");
        }
    }

    @Override
    public void bpfProgAttach(Fd cgroup, Fd program, int type) {
        try (Memory attributes = new Memory(BPF_ATTRIBUTES_SIZE)) {
            attributes.clear();
            attributes.setInt(0, cgroup.number());
            attributes.setInt(4, program.number());
            attributes.setInt(8, type);
            attributes.setInt(12, BPF_F_ALLOW_MULTI);
            call(
                    () ->
                            Libc.syscall(
                                            number(SYS_BPF),
                                            BPF_PROG_ATTACH,
                                            attributes,
                                            BPF_ATTRIBUTES_SIZE)
                                    .intValue(),
                    () -> "bpf(BPF_PROG_ATTACH, " + cgroup + ")");
        }
    }
}

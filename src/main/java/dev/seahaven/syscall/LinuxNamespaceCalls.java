package dev.seahaven.syscall;

import static dev.seahaven.syscall.Calling.O_CLOEXEC;
import static dev.seahaven.syscall.Calling.call;
import static dev.seahaven.syscall.Calling.fd;
import static dev.seahaven.syscall.Calling.quoted;
import static dev.seahaven.text.KernelText.cString;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;

import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.LongPredicate;

/** {@link NamespaceCalls} by JNA. */
public final class LinuxNamespaceCalls implements NamespaceCalls {

    static final long NS_GET_USERNS = 0xb701;
    static final long NS_GET_PARENT = 0xb702;
    static final long NS_GET_NSTYPE = 0xb703;
    static final long NS_GET_OWNER_UID = 0xb704;
    static final long SIOCGSKNS = 0x894c;
    static final long SIOCSIFFLAGS = 0x8914;
    static final int AF_NETLINK = 16;

    /** _IOR(0xb7, 9, int) (linux/nsfs.h, 6.11). */
    private static final long NS_GET_TGID_IN_PIDNS = 0x8004b709L;

    /** _IOR(0xb7, 10, struct mnt_ns_info) and 11 (linux/nsfs.h, 6.12). */
    private static final long NS_MNT_GET_INFO = 0x8010b70aL;

    private static final long NS_MNT_GET_NEXT = 0x8010b70bL;
    private static final long NS_MNT_GET_PREV = 0x8010b70cL;
    private static final int KCMP_FILE = 0;
    private static final int KCMP_FILES = 2;
    private static final int FSCONFIG_CMD_CREATE = 6;
    private static final long LSMT_ROOT = -1;
    private static final int STATMOUNT_SB_BASIC = 1;
    private static final int STATMOUNT_MNT_ROOT = 8;
    private static final int STATMOUNT_MNT_POINT = 16;
    private static final int BATCH = 512;
    private static final int STRINGS = 16384;
    private static final int CLONE_FILES = 0x400;
    private static final int CLONE_FS = 0x200;
    private static final int AF_INET = 2;
    private static final int SOCK_DGRAM_CLOEXEC = 2 | O_CLOEXEC;
    private static final int SOCK_RAW_CLOEXEC = 3 | O_CLOEXEC;
    private static final short IFF_UP = 1;

    @Override
    public void setns(Fd namespace, CloneFlag type) {
        call(
                () -> Libc.setns(namespace.number(), type.value()),
                () -> "setns(" + namespace + ", " + type + ")");
    }

    @Override
    public void unshare(CloneFlag flag) {
        call(() -> Libc.unshare(flag.value()), () -> "unshare(" + flag + ")");
    }

    @Override
    public void unshareFs() {
        call(() -> Libc.unshare(CLONE_FS), () -> "unshare(CLONE_FS)");
    }

    @Override
    public void unshareFiles() {
        call(() -> Libc.unshare(CLONE_FILES), () -> "unshare(CLONE_FILES)");
    }

    @Override
    public int gettid() {
        return call(Libc::gettid, () -> "gettid()");
    }

    @Override
    public void mount(
            String source,
            String target,
            @Nullable String type,
            long flags,
            @Nullable String data) {
        call(
                () ->
                        Libc.mount(
                                cString(source),
                                cString(target),
                                type == null ? null : cString(type),
                                flags,
                                data == null ? null : cString(data)),
                () -> "mount(\"" + source + "\", \"" + target + "\")");
    }

    @Override
    public void umount2(String target, int flags) {
        call(() -> Libc.umount2(cString(target), flags), () -> quoted("umount2", target));
    }

    private static Fd related(Fd namespace, long request, String name) {
        return fd(
                () -> Libc.ioctl(namespace.number(), request, Pointer.NULL),
                () -> "ioctl(" + namespace + ", " + name + ")");
    }

    @Override
    public Fd nsGetUserns(Fd namespace) {
        return related(namespace, NS_GET_USERNS, "NS_GET_USERNS");
    }

    @Override
    public Fd nsGetParent(Fd namespace) {
        return related(namespace, NS_GET_PARENT, "NS_GET_PARENT");
    }

    @Override
    public int nsGetNstype(Fd namespace) {
        return call(
                () -> Libc.ioctl(namespace.number(), NS_GET_NSTYPE, Pointer.NULL),
                () -> "ioctl(" + namespace + ", NS_GET_NSTYPE)");
    }

    @Override
    public long nsGetOwnerUid(Fd userns) {
        try (Scratch scratch = Scratch.take()) {
            Memory uid = scratch.memory();
            call(
                    () -> Libc.ioctl(userns.number(), NS_GET_OWNER_UID, uid),
                    () -> "ioctl(" + userns + ", NS_GET_OWNER_UID)");
            return Integer.toUnsignedLong(uid.getInt(0));
        }
    }

    @Override
    public Optional<Integer> nsGetTgidInPidns(Fd pidns, int pid) {
        int found = Libc.ioctl(pidns.number(), NS_GET_TGID_IN_PIDNS, pid);
        if (found > 0) {
            return Optional.of(found);
        }
        Errno errno = found == 0 ? Errno.ESRCH : Errno.of(Native.getLastError());
        if (errno == Errno.ESRCH) {
            return Optional.empty();
        }
        throw new SyscallException("ioctl(" + pidns + ", NS_GET_TGID_IN_PIDNS)", errno);
    }

    @Override
    public Optional<Fd> nsMntGetNext(Fd mountns) {
        return neighbour(mountns, NS_MNT_GET_NEXT, "NS_MNT_GET_NEXT");
    }

    @Override
    public Optional<Fd> nsMntGetPrev(Fd mountns) {
        return neighbour(mountns, NS_MNT_GET_PREV, "NS_MNT_GET_PREV");
    }

    private static Optional<Fd> neighbour(Fd mountns, long request, String name) {
        try (Scratch scratch = Scratch.take()) {
            Memory info = scratch.cleared(Layout.MNT_NS_INFO_SIZE);
            info.setInt(0, Layout.MNT_NS_INFO_SIZE);
            return Optional.of(
                    fd(
                            () -> Libc.ioctl(mountns.number(), request, info),
                            () -> "ioctl(" + mountns + ", " + name + ")"));
        } catch (SyscallException e) {
            return Optional.empty(); // ENOENT beyond the ends; ENOTTY before Linux 6.12
        }
    }

    @Override
    public List<Mount> mounts(Fd mountns, LongPredicate asked) {
        try (Scratch scratch = Scratch.take();
                Scratch answer = Scratch.take()) {
            Memory info = scratch.cleared(Layout.MNT_NS_INFO_SIZE);
            info.setInt(0, Layout.MNT_NS_INFO_SIZE);
            call(
                    () -> Libc.ioctl(mountns.number(), NS_MNT_GET_INFO, info),
                    () -> "ioctl(" + mountns + ", NS_MNT_GET_INFO)");
            long id = info.getLong(Layout.MNT_NS_INFO_ID);
            List<Mount> found = new ArrayList<>();
            for (long mount : listmount(id)) {
                if (asked.test(mount)) {
                    statmount(id, mount, answer.memory()).ifPresent(found::add);
                }
            }
            return found;
        }
    }

    private static Memory request(Scratch scratch, long namespace, long mount, long parameter) {
        Memory request = scratch.cleared(Layout.MNT_ID_REQ_SIZE);
        request.setInt(0, Layout.MNT_ID_REQ_SIZE);
        request.setLong(Layout.MNT_ID_REQ_ID, mount);
        request.setLong(Layout.MNT_ID_REQ_PARAM, parameter);
        request.setLong(Layout.MNT_ID_REQ_NS, namespace);
        return request;
    }

    private static long[] listmount(long namespace) {
        long[] found = {};
        try (Scratch scratch = Scratch.take();
                Scratch ids = Scratch.take()) {
            int got = BATCH;
            while (got == BATCH) {
                long after = found.length == 0 ? 0 : found[found.length - 1];
                Memory request = request(scratch, namespace, LSMT_ROOT, after);
                got =
                        call(
                                () ->
                                        Libc.syscall(
                                                SyscallNumber.LISTMOUNT.value(),
                                                request,
                                                ids.memory(),
                                                BATCH,
                                                0),
                                () -> "listmount(" + namespace + ")");
                long[] more = ids.memory().getLongArray(0, got);
                int known = found.length;
                found = Arrays.copyOf(found, known + got);
                System.arraycopy(more, 0, found, known, got);
            }
        }
        return found;
    }

    /** Empty where it is gone already, or its names are longer than any that we look for. */
    private static Optional<Mount> statmount(long namespace, long mount, Memory answer) {
        int mask = STATMOUNT_SB_BASIC | STATMOUNT_MNT_ROOT | STATMOUNT_MNT_POINT;
        try (Scratch scratch = Scratch.take()) {
            Memory request = request(scratch, namespace, mount, mask);
            call(
                    () ->
                            Libc.syscall(
                                    SyscallNumber.STATMOUNT.value(),
                                    request,
                                    answer,
                                    Layout.STATMOUNT_SIZE + STRINGS,
                                    0),
                    () -> "statmount(" + mount + ")");
            return Optional.of(
                    new Mount(
                            mount,
                            Integer.toUnsignedLong(answer.getInt(Layout.STATMOUNT_DEV_MAJOR)) << 32
                                    | Integer.toUnsignedLong(
                                            answer.getInt(Layout.STATMOUNT_DEV_MINOR)),
                            answer.getLong(Layout.STATMOUNT_MAGIC),
                            text(answer, Layout.STATMOUNT_ROOT),
                            text(answer, Layout.STATMOUNT_POINT)));
        } catch (SyscallException e) {
            if (e.tellsNothing()) {
                throw e;
            }
            return Optional.empty(); // it was unmounted meanwhile, or is out of reach
        }
    }

    private static String text(Memory statmount, int field) {
        long at = Layout.STATMOUNT_SIZE + Integer.toUnsignedLong(statmount.getInt(field));
        int length = (int) statmount.indexOf(at, (byte) 0);
        return KernelText.decode(statmount.getByteArray(at, length));
    }

    @Override
    public boolean shareDescriptors(int task, int other) {
        try {
            return call(
                            () -> Libc.syscall(SyscallNumber.KCMP.value(), task, other, KCMP_FILES),
                            () -> "kcmp(" + task + ", " + other + ")")
                    == 0;
        } catch (SyscallException e) {
            return e.errno() == Errno.ESRCH;
        }
    }

    @Override
    public boolean isSameFile(int task, int fd, int other, int otherFd) {
        try {
            return call(
                            () ->
                                    Libc.syscall(
                                            SyscallNumber.KCMP.value(),
                                            task,
                                            other,
                                            KCMP_FILE,
                                            (long) fd,
                                            (long) otherFd),
                            () -> "kcmp(" + task + ", " + other + ", KCMP_FILE)")
                    == 0;
        } catch (SyscallException e) {
            return false;
        }
    }

    @Override
    public Fd pidfdGetfd(PidFd pidfd, int number) {
        return fd(
                () -> Libc.syscall(SyscallNumber.PIDFD_GETFD.value(), pidfd.number(), number, 0),
                () -> "pidfd_getfd(" + pidfd.pid() + ", " + number + ")");
    }

    @Override
    public Fd siocgskns(Fd socket) {
        return related(socket, SIOCGSKNS, "SIOCGSKNS");
    }

    @Override
    public Fd detachedMount(String type) {
        try (Fd fs = LinuxMountCalls.fsopen(type)) {
            call(
                    () ->
                            Libc.syscall(
                                    SyscallNumber.FSCONFIG.value(),
                                    fs.number(),
                                    FSCONFIG_CMD_CREATE,
                                    null,
                                    Pointer.NULL,
                                    0),
                    () -> quoted("fsconfig", type));
            return fd(
                    () -> Libc.syscall(SyscallNumber.FSMOUNT.value(), fs.number(), 1, 0),
                    () -> quoted("fsmount", type));
        }
    }

    @Override
    public long fileSystemType(Fd fd) {
        try (Scratch scratch = Scratch.take()) {
            Memory statfs = scratch.memory();
            call(() -> Libc.fstatfs(fd.number(), statfs), () -> "fstatfs(" + fd + ")");
            return statfs.getLong(0);
        }
    }

    @Override
    public void sethostname(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        call(() -> Libc.sethostname(bytes, bytes.length), () -> quoted("sethostname", name));
    }

    @Override
    public Names uname() {
        try (Memory names = new Memory(Layout.UTSNAME_SIZE)) {
            call(() -> Libc.uname(names), () -> "uname()");
            return new Names(
                    names.getString(Layout.UTSNAME_FIELD, "UTF-8"),
                    names.getString(5L * Layout.UTSNAME_FIELD, "UTF-8"));
        }
    }

    @Override
    public void setLoopbackUp() {
        try (Fd socket =
                        fd(
                                () -> Libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0),
                                () -> "socket(AF_INET)");
                Memory request = new Memory(Layout.IFREQ_SIZE)) {
            request.clear();
            request.setString(0, "lo");
            request.setShort(Layout.IFREQ_FLAGS, IFF_UP);
            call(
                    () -> Libc.ioctl(socket.number(), SIOCSIFFLAGS, request),
                    () -> "ioctl(SIOCSIFFLAGS, lo)");
        }
    }

    @Override
    public Fd netlinkSocket(int protocol) {
        return fd(
                () -> Libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol),
                () -> "socket(AF_NETLINK, " + protocol + ")");
    }

    @Override
    public void send(Fd socket, byte[] bytes) {
        call(
                () -> Libc.send(socket.number(), bytes, bytes.length, 0),
                () -> "send(" + socket + ")");
    }

    @Override
    public byte[] recv(Fd socket, int most) {
        try (Memory buffer = new Memory(most)) {
            int got =
                    call(
                            () -> Libc.recv(socket.number(), buffer, most, 0),
                            () -> "recv(" + socket + ")");
            return buffer.getByteArray(0, got);
        }
    }
}

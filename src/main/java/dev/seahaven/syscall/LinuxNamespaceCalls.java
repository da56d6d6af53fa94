package dev.seahaven.syscall;

import static dev.seahaven.syscall.Calling.O_CLOEXEC;
import static dev.seahaven.syscall.Calling.call;
import static dev.seahaven.syscall.Calling.fd;
import static dev.seahaven.syscall.Calling.number;
import static dev.seahaven.syscall.Calling.quoted;
import static dev.seahaven.text.KernelText.cString;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;

import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

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
    private static final int KCMP_FILES = 2;
    private static final int FSCONFIG_CMD_CREATE = 6;
    private static final long LSMT_ROOT = -1;
    private static final int STATMOUNT_SB_BASIC = 1;
    private static final int STATMOUNT_MNT_ROOT = 8;
    private static final int STATMOUNT_MNT_POINT = 16;
    private static final int BATCH = 512;
    private static final int STRINGS = 16384;
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
                                number(flags),
                                data == null ? null : cString(data)),
                () -> "mount(\"" + source + "\", \"" + target + "\")");
    }

    @Override
    public void umount2(String target, int flags) {
        call(() -> Libc.umount2(cString(target), flags), () -> quoted("umount2", target));
    }

    private static Fd related(Fd namespace, long request, String name) {
        return fd(
                () -> Libc.ioctl(namespace.number(), number(request), Pointer.NULL),
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
                () -> Libc.ioctl(namespace.number(), number(NS_GET_NSTYPE), Pointer.NULL),
                () -> "ioctl(" + namespace + ", NS_GET_NSTYPE)");
    }

    @Override
    public long nsGetOwnerUid(Fd userns) {
        try (Memory uid = new Memory(4)) {
            call(
                    () -> Libc.ioctl(userns.number(), number(NS_GET_OWNER_UID), uid),
                    () -> "ioctl(" + userns + ", NS_GET_OWNER_UID)");
            return Integer.toUnsignedLong(uid.getInt(0));
        }
    }

    @Override
    public Optional<Integer> nsGetTgidInPidns(Fd pidns, int pid) {
        try {
            int found =
                    call(
                            () ->
                                    Libc.ioctl(
                                            pidns.number(),
                                            number(NS_GET_TGID_IN_PIDNS),
                                            number(pid)),
                            () -> "ioctl(" + pidns + ", NS_GET_TGID_IN_PIDNS)");
            return found > 0 ? Optional.of(found) : Optional.empty();
        } catch (SyscallException e) {
            if (e.errno() == Errno.ESRCH) {
                return Optional.empty();
            }
            throw e;
        }
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
        try (Memory info = new Memory(Layout.MNT_NS_INFO_SIZE)) {
            info.clear();
            info.setInt(0, Layout.MNT_NS_INFO_SIZE);
            return Optional.of(
                    fd(
                            () -> Libc.ioctl(mountns.number(), number(request), info),
                            () -> "ioctl(" + mountns + ", " + name + ")"));
        } catch (SyscallException e) {
            return Optional.empty(); // ENOENT beyond the ends; ENOTTY before Linux 6.12
        }
    }

    @Override
    public List<Mount> mounts(Fd mountns) {
        try (Memory info = new Memory(Layout.MNT_NS_INFO_SIZE)) {
            info.clear();
            info.setInt(0, Layout.MNT_NS_INFO_SIZE);
            call(
                    () -> Libc.ioctl(mountns.number(), number(NS_MNT_GET_INFO), info),
                    () -> "ioctl(" + mountns + ", NS_MNT_GET_INFO)");
            long id = info.getLong(Layout.MNT_NS_INFO_ID);
            List<Mount> found = new ArrayList<>();
            for (long mount : listmount(id)) {
                statmount(id, mount).ifPresent(found::add);
            }
            return found;
        }
    }

    private static Memory request(long namespace, long mount, long parameter) {
        Memory request = new Memory(Layout.MNT_ID_REQ_SIZE);
        request.clear();
        request.setInt(0, Layout.MNT_ID_REQ_SIZE);
        request.setLong(Layout.MNT_ID_REQ_ID, mount);
        request.setLong(Layout.MNT_ID_REQ_PARAM, parameter);
        request.setLong(Layout.MNT_ID_REQ_NS, namespace);
        return request;
    }

    private static List<Long> listmount(long namespace) {
        List<Long> found = new ArrayList<>();
        try (Memory ids = new Memory(8L * BATCH)) {
            int got = BATCH;
            while (got == BATCH) {
                try (Memory request =
                        request(namespace, LSMT_ROOT, found.isEmpty() ? 0 : found.getLast())) {
                    got =
                            call(
                                    () ->
                                            Libc.syscall(
                                                            number(SyscallNumber.LISTMOUNT.value()),
                                                            request,
                                                            ids,
                                                            number(BATCH),
                                                            0)
                                                    .intValue(),
                                    () -> "listmount(" + namespace + ")");
                }
                for (int i = 0; i < got; i++) {
                    found.add(ids.getLong(8L * i));
                }
            }
        }
        return found;
    }

    /** Empty where it is gone already, or its names are longer than any that we look for. */
    private static Optional<Mount> statmount(long namespace, long mount) {
        int mask = STATMOUNT_SB_BASIC | STATMOUNT_MNT_ROOT | STATMOUNT_MNT_POINT;
        try (Memory request = request(namespace, mount, mask);
                Memory answer = new Memory(Layout.STATMOUNT_SIZE + STRINGS)) {
            call(
                    () ->
                            Libc.syscall(
                                            number(SyscallNumber.STATMOUNT.value()),
                                            request,
                                            answer,
                                            number(answer.size()),
                                            0)
                                    .intValue(),
                    () -> "statmount(" + mount + ")");
            return Optional.of(
                    new Mount(
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
                            () ->
                                    Libc.syscall(
                                                    number(SyscallNumber.KCMP.value()),
                                                    task,
                                                    other,
                                                    KCMP_FILES)
                                            .intValue(),
                            () -> "kcmp(" + task + ", " + other + ")")
                    == 0;
        } catch (SyscallException e) {
            return e.errno() == Errno.ESRCH;
        }
    }

    @Override
    public Fd pidfdGetfd(PidFd pidfd, int number) {
        return fd(
                () ->
                        Libc.syscall(
                                        number(SyscallNumber.PIDFD_GETFD.value()),
                                        pidfd.number(),
                                        number,
                                        0)
                                .intValue(),
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
                                            number(SyscallNumber.FSCONFIG.value()),
                                            fs.number(),
                                            FSCONFIG_CMD_CREATE,
                                            null,
                                            Pointer.NULL,
                                            0)
                                    .intValue(),
                    () -> quoted("fsconfig", type));
            return fd(
                    () ->
                            Libc.syscall(number(SyscallNumber.FSMOUNT.value()), fs.number(), 1, 0)
                                    .intValue(),
                    () -> quoted("fsmount", type));
        }
    }

    @Override
    public long fileSystemType(Fd fd) {
        try (Memory statfs = new Memory(256)) {
            call(() -> Libc.fstatfs(fd.number(), statfs), () -> "fstatfs(" + fd + ")");
            return statfs.getLong(0);
        }
    }

    @Override
    public void sethostname(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        call(
                () -> Libc.sethostname(bytes, number(bytes.length)),
                () -> quoted("sethostname", name));
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
                    () -> Libc.ioctl(socket.number(), number(SIOCSIFFLAGS), request),
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
                () -> Libc.send(socket.number(), bytes, number(bytes.length), 0).intValue(),
                () -> "send(" + socket + ")");
    }

    @Override
    public byte[] recv(Fd socket, int most) {
        try (Memory buffer = new Memory(most)) {
            int got =
                    call(
                            () -> Libc.recv(socket.number(), buffer, number(most), 0).intValue(),
                            () -> "recv(" + socket + ")");
            return buffer.getByteArray(0, got);
        }
    }
}

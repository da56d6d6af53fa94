package dev.seahaven.syscall;

import java.util.List;

/**
 * Sizes and offsets of the kernel's and the C library's structs, and the constants that go with
 * them, for 64-bit Linux. A test lets the compiler compare each with the system's headers.
 */
final class Layout {

    static final int MSGHDR_SIZE = 56;
    static final int MSGHDR_IOV = 16;
    static final int MSGHDR_IOVLEN = 24;
    static final int MSGHDR_CONTROL = 32;
    static final int MSGHDR_CONTROLLEN = 40;
    static final int MSGHDR_FLAGS = 48;
    static final int IOVEC_SIZE = 16;
    static final int IOVEC_LEN = 8;
    static final int CMSGHDR_SIZE = 16;
    static final int CMSGHDR_LEVEL = 8;
    static final int CMSGHDR_TYPE = 12;
    static final int POLLFD_SIZE = 8;
    static final int POLLFD_EVENTS = 4;
    static final int POLLFD_REVENTS = 6;
    static final int OPEN_HOW_SIZE = 24;
    static final int OPEN_HOW_RESOLVE = 16;
    static final int STATX_SIZE = 256;
    static final int STATX_UID = 20;
    static final int STATX_GID = 24;
    static final int STATX_MODE = 28;
    static final int STATX_INO = 32;
    static final int STATX_BLOCKS = 48;
    static final int STATX_RDEV_MAJOR = 128;
    static final int STATX_RDEV_MINOR = 132;
    static final int STATX_DEV_MAJOR = 136;
    static final int STATX_DEV_MINOR = 140;
    static final int STATX_MNT_ID = 144;

    /** struct mnt_ns_info (linux/nsfs.h, 6.12). */
    static final int MNT_NS_INFO_SIZE = 16;

    static final int MNT_NS_INFO_ID = 8;

    /** struct mnt_id_req with its second published size, MNT_ID_REQ_SIZE_VER1 (linux/mount.h). */
    static final int MNT_ID_REQ_SIZE = 32;

    static final int MNT_ID_REQ_ID = 8;
    static final int MNT_ID_REQ_PARAM = 16;
    static final int MNT_ID_REQ_NS = 24;

    /** struct statmount; its strings follow (linux/mount.h). */
    static final int STATMOUNT_SIZE = 512;

    static final int STATMOUNT_MAGIC = 24;
    static final int STATMOUNT_ROOT = 104;
    static final int STATMOUNT_POINT = 108;
    static final int UTSNAME_SIZE = 390;
    static final int UTSNAME_FIELD = 65;
    static final int IFREQ_SIZE = 40;
    static final int IFREQ_FLAGS = 16;

    /** Generous: glibc's posix_spawn types are smaller and opaque. */
    static final int SPAWN_TYPE_SIZE = 512;

    /** {name, C expression, value}: what the test asserts. */
    static final List<Check> CHECKS =
            List.of(
                    new Check("sizeof(struct msghdr)", MSGHDR_SIZE),
                    new Check("offsetof(struct msghdr, msg_iov)", MSGHDR_IOV),
                    new Check("offsetof(struct msghdr, msg_iovlen)", MSGHDR_IOVLEN),
                    new Check("offsetof(struct msghdr, msg_control)", MSGHDR_CONTROL),
                    new Check("offsetof(struct msghdr, msg_controllen)", MSGHDR_CONTROLLEN),
                    new Check("offsetof(struct msghdr, msg_flags)", MSGHDR_FLAGS),
                    new Check("sizeof(struct iovec)", IOVEC_SIZE),
                    new Check("offsetof(struct iovec, iov_len)", IOVEC_LEN),
                    new Check("sizeof(struct cmsghdr)", CMSGHDR_SIZE),
                    new Check("offsetof(struct cmsghdr, cmsg_level)", CMSGHDR_LEVEL),
                    new Check("offsetof(struct cmsghdr, cmsg_type)", CMSGHDR_TYPE),
                    new Check("sizeof(struct pollfd)", POLLFD_SIZE),
                    new Check("offsetof(struct pollfd, events)", POLLFD_EVENTS),
                    new Check("offsetof(struct pollfd, revents)", POLLFD_REVENTS),
                    new Check("sizeof(struct open_how)", OPEN_HOW_SIZE),
                    new Check("offsetof(struct open_how, resolve)", OPEN_HOW_RESOLVE),
                    new Check("sizeof(struct statx)", STATX_SIZE),
                    new Check("offsetof(struct statx, stx_uid)", STATX_UID),
                    new Check("offsetof(struct statx, stx_gid)", STATX_GID),
                    new Check("offsetof(struct statx, stx_mode)", STATX_MODE),
                    new Check("offsetof(struct statx, stx_ino)", STATX_INO),
                    new Check("offsetof(struct statx, stx_blocks)", STATX_BLOCKS),
                    new Check("offsetof(struct statx, stx_rdev_major)", STATX_RDEV_MAJOR),
                    new Check("offsetof(struct statx, stx_rdev_minor)", STATX_RDEV_MINOR),
                    new Check("offsetof(struct statx, stx_dev_major)", STATX_DEV_MAJOR),
                    new Check("offsetof(struct statx, stx_dev_minor)", STATX_DEV_MINOR),
                    new Check("offsetof(struct statx, stx_mnt_id)", STATX_MNT_ID),
                    new Check("sizeof(struct utsname)", UTSNAME_SIZE),
                    new Check("offsetof(struct utsname, nodename)", UTSNAME_FIELD),
                    new Check("offsetof(struct utsname, domainname)", 5L * UTSNAME_FIELD),
                    new Check("sizeof(struct ifreq)", IFREQ_SIZE),
                    new Check("offsetof(struct ifreq, ifr_flags)", IFREQ_FLAGS),
                    new Check("NS_GET_USERNS", LinuxNamespaceCalls.NS_GET_USERNS),
                    new Check("NS_GET_PARENT", LinuxNamespaceCalls.NS_GET_PARENT),
                    new Check("NS_GET_NSTYPE", LinuxNamespaceCalls.NS_GET_NSTYPE),
                    new Check("NS_GET_OWNER_UID", LinuxNamespaceCalls.NS_GET_OWNER_UID),
                    new Check("SIOCGSKNS", LinuxNamespaceCalls.SIOCGSKNS),
                    new Check("SIOCSIFFLAGS", LinuxNamespaceCalls.SIOCSIFFLAGS),
                    new Check("SYS_pidfd_getfd", LinuxNamespaceCalls.SYS_PIDFD_GETFD),
                    new Check("MS_BIND", NamespaceCalls.MS_BIND),
                    new Check("MS_REC", NamespaceCalls.MS_REC),
                    new Check("MS_PRIVATE", NamespaceCalls.MS_PRIVATE),
                    new Check("MS_SHARED", NamespaceCalls.MS_SHARED),
                    new Check("MNT_DETACH", NamespaceCalls.MNT_DETACH),
                    new Check("LOCK_EX", LinuxSyscalls.LOCK_EX),
                    new Check("LOCK_NB", LinuxSyscalls.LOCK_NB),
                    new Check("AF_NETLINK", LinuxNamespaceCalls.AF_NETLINK),
                    new Check("O_CLOEXEC", LinuxSyscalls.O_CLOEXEC),
                    new Check("O_CREAT", Syscalls.O_CREAT),
                    new Check("O_EXCL", Syscalls.O_EXCL),
                    new Check("O_TRUNC", Syscalls.O_TRUNC),
                    new Check("O_APPEND", Syscalls.O_APPEND),
                    new Check("O_NONBLOCK", Syscalls.O_NONBLOCK),
                    new Check("O_PATH", Syscalls.O_PATH),
                    new Check("O_DIRECTORY", LinuxSyscalls.oDirectory()),
                    new Check("MSG_CMSG_CLOEXEC", LinuxSyscalls.MSG_CMSG_CLOEXEC),
                    new Check("MSG_NOSIGNAL", LinuxSyscalls.MSG_NOSIGNAL),
                    new Check("MSG_CTRUNC | MSG_TRUNC", LinuxSyscalls.MSG_CUT),
                    new Check("SOCK_SEQPACKET | SOCK_CLOEXEC", LinuxSyscalls.SEQPACKET_CLOEXEC),
                    new Check("SOCK_DGRAM | SOCK_CLOEXEC", LinuxSyscalls.DATAGRAM_CLOEXEC),
                    new Check("F_ADD_SEALS", LinuxSyscalls.F_ADD_SEALS),
                    new Check("SYS_pidfd_open", LinuxSyscalls.SYS_PIDFD_OPEN),
                    new Check("SYS_pidfd_send_signal", LinuxSyscalls.SYS_PIDFD_SEND_SIGNAL),
                    new Check("SYS_open_tree", LinuxSyscalls.SYS_OPEN_TREE),
                    new Check("SYS_openat2", LinuxSyscalls.SYS_OPENAT2),
                    new Check("SYS_statx", LinuxSyscalls.sysStatx()),
                    new Check("RESOLVE_IN_ROOT", Syscalls.RESOLVE_IN_ROOT),
                    new Check("RESOLVE_NO_SYMLINKS", Syscalls.RESOLVE_NO_SYMLINKS),
                    new Check("RESOLVE_NO_MAGICLINKS", Syscalls.RESOLVE_NO_MAGICLINKS),
                    new Check("sizeof(struct epoll_event)", LinuxSyscalls.epollEventSize()),
                    new Check(
                            "offsetof(struct epoll_event, data)",
                            LinuxSyscalls.epollEventSize() - 8L),
                    new Check("CLONE_NEWTIME", CloneFlag.CLONE_NEWTIME.value()),
                    new Check("CLONE_NEWNET", CloneFlag.CLONE_NEWNET.value()),
                    new Check("CLONE_NEWUSER", CloneFlag.CLONE_NEWUSER.value()));

    /** A C expression of the headers and the value that we use for it. */
    record Check(String expression, long value) {}

    private Layout() {}
}

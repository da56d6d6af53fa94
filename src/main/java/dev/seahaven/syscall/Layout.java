package dev.seahaven.syscall;

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
    static final int STATFS_BSIZE = 8;
    static final int STATFS_BLOCKS = 16;
    static final int STATFS_BAVAIL = 32;
    static final int STATFS_FILES = 40;
    static final int STATFS_FFREE = 48;
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

    static final int STATMOUNT_DEV_MAJOR = 16;
    static final int STATMOUNT_DEV_MINOR = 20;
    static final int STATMOUNT_MAGIC = 24;
    static final int STATMOUNT_ROOT = 104;
    static final int STATMOUNT_POINT = 108;
    static final int UTSNAME_SIZE = 390;
    static final int UTSNAME_FIELD = 65;
    static final int IFREQ_SIZE = 40;
    static final int IFREQ_FLAGS = 16;

    /** Generous: glibc's posix_spawn types are smaller and opaque. */
    static final int SPAWN_TYPE_SIZE = 512;

    private Layout() {}
}

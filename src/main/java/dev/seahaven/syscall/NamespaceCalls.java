package dev.seahaven.syscall;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Optional;
import java.util.function.LongPredicate;

/**
 * The system calls that look into namespaces, enter them and give them names. The rules of {@link
 * Syscalls} hold here too. What enters ({@link #setns}, {@link #unshare}) changes the calling
 * thread alone.
 */
public interface NamespaceCalls {

    long MS_BIND = 4096;
    long MS_REC = 16384;
    long MS_PRIVATE = 1 << 18;
    long MS_SHARED = 1 << 20;
    int MNT_DETACH = 2;

    /** {@code f_type} of a file that is a namespace (statfs(2)). */
    long NSFS_MAGIC = 0x6e736673;

    /** setns(2). */
    void setns(Fd namespace, CloneFlag type);

    /** unshare(2). */
    void unshare(CloneFlag flag);

    /** unshare(2) with CLONE_FS: without it a thread cannot enter a mount namespace. */
    void unshareFs();

    /** mount(2). */
    void mount(
            String source, String target, @Nullable String type, long flags, @Nullable String data);

    /** umount2(2). */
    void umount2(String target, int flags);

    /** ioctl NS_GET_USERNS (ioctl_nsfs(2)): the owner, or EPERM when it is out of sight. */
    Fd nsGetUserns(Fd namespace);

    /** ioctl NS_GET_PARENT: of a pid or user namespace, or EPERM when it is out of sight. */
    Fd nsGetParent(Fd namespace);

    /** ioctl NS_GET_NSTYPE: one CLONE_NEW*. */
    int nsGetNstype(Fd namespace);

    /** ioctl NS_GET_OWNER_UID: who made a user namespace, as the daemon's user namespace has it. */
    long nsGetOwnerUid(Fd userns);

    /**
     * ioctl NS_GET_TGID_IN_PIDNS (Linux 6.11): the number there of a process that has {@code pid}
     * here; empty where it has none. ENOTTY where the kernel does not know the call.
     */
    Optional<Integer> nsGetTgidInPidns(Fd pidns, int pid);

    /** ioctl NS_MNT_GET_NEXT (Linux 6.12): the next in the kernel's list; empty after the last. */
    Optional<Fd> nsMntGetNext(Fd mountns);

    /** ioctl NS_MNT_GET_PREV (Linux 6.12): the one before; empty before the first. */
    Optional<Fd> nsMntGetPrev(Fd mountns);

    /**
     * A mount as statmount(2) has it.
     *
     * @param id which the kernel never gives to another
     * @param device of the file system, as {@link FileCalls.Stat} has it
     * @param root within its file system
     * @param point where it lies
     */
    record Mount(long id, long device, long magic, String root, String point) {}

    /**
     * listmount(2) and statmount(2) for a mount namespace, without entering it.
     *
     * @param asked tells by its id whether a mount is to be looked at
     */
    List<Mount> mounts(Fd mountns, LongPredicate asked);

    /**
     * unshare(2) with CLONE_FILES: this thread has a table of descriptors of its own from now on.
     */
    void unshareFiles();

    /** gettid(2). */
    int gettid();

    /** kcmp(2) with KCMP_FILES; true for one that has ended, false where it cannot be told. */
    boolean shareDescriptors(int task, int other);

    /**
     * kcmp(2) with KCMP_FILE: whether two descriptors are of one open file; false where unknown.
     */
    boolean isSameFile(int task, int fd, int other, int otherFd);

    /** pidfd_getfd(2). */
    Fd pidfdGetfd(PidFd pidfd, int number);

    /** ioctl SIOCGSKNS: the network namespace of a socket. */
    Fd siocgskns(Fd socket);

    /**
     * fsopen(2), fsconfig(2) and fsmount(2): a file system without options, mounted nowhere. One
     * that belongs to a namespace is that of the calling thread's.
     */
    Fd detachedMount(String type);

    /** fstatfs(2): {@code f_type}. */
    long fileSystemType(Fd fd);

    /** sethostname(2). */
    void sethostname(String name);

    /** Host and domain name, as uname(2) tells them. */
    record Names(String hostname, String domainname) {}

    /** uname(2). */
    Names uname();

    /** ioctl SIOCSIFFLAGS: sets {@code lo} up in the thread's network namespace. */
    void setLoopbackUp();

    /** socket(2) of the kind AF_NETLINK; it stays in the network namespace that it was made in. */
    Fd netlinkSocket(int protocol);

    /** send(2). */
    void send(Fd socket, byte[] bytes);

    /** recv(2) of one message of at most {@code most} bytes. */
    byte[] recv(Fd socket, int most);
}

package dev.seahaven.syscall;

import com.sun.jna.LastErrorException;
import com.sun.jna.Native;
import com.sun.jna.Pointer;

import org.jspecify.annotations.Nullable;

/**
 * The C library, by direct mapping. A function that fails sets errno and JNA throws; all of these
 * leave errno alone when they succeed. Text is bytes with a zero at the end: JNA takes twice as
 * long for a string as the kernel for the call. Direct mapping knows no variable arguments, so
 * {@code syscall} stands here once for each count.
 */
final class Libc {

    static {
        Native.register(Libc.class, "c");
    }

    private Libc() {}

    static native int open(byte[] path, int flags, int mode) throws LastErrorException;

    static native int close(int fd);

    static native long read(int fd, Pointer buffer, long size) throws LastErrorException;

    static native long pread(int fd, Pointer buffer, long size, long offset)
            throws LastErrorException;

    static native long write(int fd, byte[] bytes, long size) throws LastErrorException;

    static native int setpriority(int which, int who, int value) throws LastErrorException;

    static native int prlimit(int pid, int resource, Pointer limit, @Nullable Pointer old)
            throws LastErrorException;

    static native long lseek(int fd, long offset, int whence) throws LastErrorException;

    static native int mkdir(byte[] path, int mode) throws LastErrorException;

    static native int rmdir(byte[] path) throws LastErrorException;

    static native int unlink(byte[] path) throws LastErrorException;

    static native int rename(byte[] from, byte[] to) throws LastErrorException;

    static native int chown(byte[] path, int uid, int gid) throws LastErrorException;

    static native int chmod(byte[] path, int mode) throws LastErrorException;

    static native int faccessat(int dir, byte[] path, int mode, int flags)
            throws LastErrorException;

    static native int memfd_create(byte[] name, int flags) throws LastErrorException;

    static native int fcntl(int fd, int command, int argument) throws LastErrorException;

    static native int socketpair(int domain, int type, int protocol, int[] pair)
            throws LastErrorException;

    static native long sendmsg(int fd, Pointer message, int flags) throws LastErrorException;

    static native long recvmsg(int fd, Pointer message, int flags) throws LastErrorException;

    static native int waitpid(int pid, int[] status, int options) throws LastErrorException;

    static native int poll(Pointer fds, long count, int timeout) throws LastErrorException;

    static native int ioctl(int fd, long request, Pointer argument) throws LastErrorException;

    static native int epoll_create1(int flags) throws LastErrorException;

    static native int epoll_ctl(int epoll, int operation, int fd, Pointer event)
            throws LastErrorException;

    static native int epoll_wait(int epoll, Pointer events, int most, int timeout)
            throws LastErrorException;

    static native int geteuid();

    static native long readlinkat(int dir, byte[] path, byte[] buffer, long size)
            throws LastErrorException;

    static native int setns(int fd, int type) throws LastErrorException;

    static native int unshare(int flags) throws LastErrorException;

    static native int mount(
            byte[] source,
            byte[] target,
            byte @Nullable [] type,
            long flags,
            byte @Nullable [] data)
            throws LastErrorException;

    static native int umount2(byte[] target, int flags) throws LastErrorException;

    static native int sethostname(byte[] name, long length) throws LastErrorException;

    static native int uname(Pointer buffer) throws LastErrorException;

    static native int flock(int fd, int operation) throws LastErrorException;

    static native long sendto(
            int socket, byte[] bytes, long size, int flags, byte[] address, int addressSize)
            throws LastErrorException;

    static native int socket(int domain, int type, int protocol) throws LastErrorException;

    static native long send(int fd, byte[] bytes, long size, int flags) throws LastErrorException;

    static native long recv(int fd, Pointer bytes, long size, int flags) throws LastErrorException;

    static native int fstatfs(int fd, Pointer buffer) throws LastErrorException;

    /** This alone does not throw: most processes are not in the namespace that is asked about. */
    static native int ioctl(int fd, long request, long argument);

    static native long syscall(long number, int one, int two, int three) throws LastErrorException;

    static native long syscall(long number, Pointer one, Pointer two, long three, int four)
            throws LastErrorException;

    static native long syscall(long number, int one, Pointer two, int three)
            throws LastErrorException;

    static native int gettid() throws LastErrorException;

    static native long syscall(long number, int one, int two, int three, long four, long five)
            throws LastErrorException;

    static native long syscall(long number, int one, int two) throws LastErrorException;

    static native long syscall(long number, int one, byte[] two, int three)
            throws LastErrorException;

    static native long syscall(long number, int one, int two, Pointer three, int four)
            throws LastErrorException;

    static native long syscall(long number, int one, byte[] two, Pointer three, long four)
            throws LastErrorException;

    static native long syscall(long number, int one, byte[] two, int three, int four, Pointer five)
            throws LastErrorException;

    static native long syscall(long number, byte[] one, int two) throws LastErrorException;

    static native long syscall(
            long number, int one, int two, byte @Nullable [] three, Pointer four, int five)
            throws LastErrorException;

    /* These return the error instead of setting errno (posix_spawn(3)). */

    static native int posix_spawn(
            int[] pid,
            byte[] path,
            Pointer actions,
            Pointer attributes,
            Pointer arguments,
            Pointer environment);

    static native int posix_spawn_file_actions_init(Pointer actions);

    static native int posix_spawn_file_actions_adddup2(Pointer actions, int fd, int newFd);

    static native int posix_spawn_file_actions_destroy(Pointer actions);

    static native int posix_spawnattr_init(Pointer attributes);

    static native int posix_spawnattr_setflags(Pointer attributes, short flags);

    static native int posix_spawnattr_destroy(Pointer attributes);
}

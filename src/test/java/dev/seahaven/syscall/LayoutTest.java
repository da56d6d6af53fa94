package dev.seahaven.syscall;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** The compiler compares every size, offset and constant with the system's headers. */
class LayoutTest {

    private static final List<Check> CHECKS =
            List.of(
                    new Check("sizeof(struct msghdr)", Layout.MSGHDR_SIZE),
                    new Check("offsetof(struct msghdr, msg_iov)", Layout.MSGHDR_IOV),
                    new Check("offsetof(struct msghdr, msg_iovlen)", Layout.MSGHDR_IOVLEN),
                    new Check("offsetof(struct msghdr, msg_control)", Layout.MSGHDR_CONTROL),
                    new Check("offsetof(struct msghdr, msg_controllen)", Layout.MSGHDR_CONTROLLEN),
                    new Check("offsetof(struct msghdr, msg_flags)", Layout.MSGHDR_FLAGS),
                    new Check("sizeof(struct iovec)", Layout.IOVEC_SIZE),
                    new Check("offsetof(struct iovec, iov_len)", Layout.IOVEC_LEN),
                    new Check("sizeof(struct cmsghdr)", Layout.CMSGHDR_SIZE),
                    new Check("offsetof(struct cmsghdr, cmsg_level)", Layout.CMSGHDR_LEVEL),
                    new Check("offsetof(struct cmsghdr, cmsg_type)", Layout.CMSGHDR_TYPE),
                    new Check("sizeof(struct pollfd)", Layout.POLLFD_SIZE),
                    new Check("offsetof(struct pollfd, events)", Layout.POLLFD_EVENTS),
                    new Check("offsetof(struct pollfd, revents)", Layout.POLLFD_REVENTS),
                    new Check("sizeof(struct open_how)", Layout.OPEN_HOW_SIZE),
                    new Check("offsetof(struct open_how, resolve)", Layout.OPEN_HOW_RESOLVE),
                    new Check("sizeof(struct statx)", Layout.STATX_SIZE),
                    new Check("offsetof(struct statx, stx_uid)", Layout.STATX_UID),
                    new Check("offsetof(struct statx, stx_gid)", Layout.STATX_GID),
                    new Check("offsetof(struct statx, stx_mode)", Layout.STATX_MODE),
                    new Check("offsetof(struct statx, stx_ino)", Layout.STATX_INO),
                    new Check("offsetof(struct statx, stx_blocks)", Layout.STATX_BLOCKS),
                    new Check("offsetof(struct statx, stx_rdev_major)", Layout.STATX_RDEV_MAJOR),
                    new Check("offsetof(struct statx, stx_rdev_minor)", Layout.STATX_RDEV_MINOR),
                    new Check("offsetof(struct statx, stx_dev_major)", Layout.STATX_DEV_MAJOR),
                    new Check("offsetof(struct statx, stx_dev_minor)", Layout.STATX_DEV_MINOR),
                    new Check("offsetof(struct statx, stx_mnt_id)", Layout.STATX_MNT_ID),
                    new Check("sizeof(struct utsname)", Layout.UTSNAME_SIZE),
                    new Check("offsetof(struct utsname, nodename)", Layout.UTSNAME_FIELD),
                    new Check("offsetof(struct utsname, domainname)", 5L * Layout.UTSNAME_FIELD),
                    new Check("sizeof(struct ifreq)", Layout.IFREQ_SIZE),
                    new Check("offsetof(struct ifreq, ifr_flags)", Layout.IFREQ_FLAGS),
                    new Check("NS_GET_USERNS", LinuxNamespaceCalls.NS_GET_USERNS),
                    new Check("NS_GET_PARENT", LinuxNamespaceCalls.NS_GET_PARENT),
                    new Check("NS_GET_NSTYPE", LinuxNamespaceCalls.NS_GET_NSTYPE),
                    new Check("NS_GET_OWNER_UID", LinuxNamespaceCalls.NS_GET_OWNER_UID),
                    new Check("SIOCGSKNS", LinuxNamespaceCalls.SIOCGSKNS),
                    new Check("SIOCSIFFLAGS", LinuxNamespaceCalls.SIOCSIFFLAGS),
                    new Check("MS_BIND", NamespaceCalls.MS_BIND),
                    new Check("MS_REC", NamespaceCalls.MS_REC),
                    new Check("MS_PRIVATE", NamespaceCalls.MS_PRIVATE),
                    new Check("MS_SHARED", NamespaceCalls.MS_SHARED),
                    new Check("MNT_DETACH", NamespaceCalls.MNT_DETACH),
                    new Check("LOCK_EX", LinuxFileCalls.LOCK_EX),
                    new Check("LOCK_NB", LinuxFileCalls.LOCK_NB),
                    new Check("AF_NETLINK", LinuxNamespaceCalls.AF_NETLINK),
                    new Check("O_CLOEXEC", Calling.O_CLOEXEC),
                    new Check("O_CREAT", Syscalls.O_CREAT),
                    new Check("O_EXCL", Syscalls.O_EXCL),
                    new Check("O_TRUNC", Syscalls.O_TRUNC),
                    new Check("O_APPEND", Syscalls.O_APPEND),
                    new Check("O_NONBLOCK", Syscalls.O_NONBLOCK),
                    new Check("O_PATH", Syscalls.O_PATH),
                    new Check("O_DIRECTORY", Calling.oDirectory()),
                    new Check("MSG_CMSG_CLOEXEC", LinuxSocketCalls.MSG_CMSG_CLOEXEC),
                    new Check("MSG_NOSIGNAL", LinuxSocketCalls.MSG_NOSIGNAL),
                    new Check("MSG_CTRUNC | MSG_TRUNC", LinuxSocketCalls.MSG_CUT),
                    new Check("SOCK_SEQPACKET | SOCK_CLOEXEC", LinuxSocketCalls.SEQPACKET_CLOEXEC),
                    new Check("SOCK_DGRAM | SOCK_CLOEXEC", LinuxSocketCalls.DATAGRAM_CLOEXEC),
                    new Check("F_ADD_SEALS", LinuxFileCalls.F_ADD_SEALS),
                    new Check("RESOLVE_IN_ROOT", Syscalls.RESOLVE_IN_ROOT),
                    new Check("RESOLVE_NO_SYMLINKS", Syscalls.RESOLVE_NO_SYMLINKS),
                    new Check("RESOLVE_NO_MAGICLINKS", Syscalls.RESOLVE_NO_MAGICLINKS),
                    new Check("sizeof(struct epoll_event)", LinuxPollCalls.epollEventSize()),
                    new Check(
                            "offsetof(struct epoll_event, data)",
                            LinuxPollCalls.epollEventSize() - 8L),
                    new Check("CLONE_NEWTIME", CloneFlag.CLONE_NEWTIME.value()),
                    new Check("CLONE_NEWNET", CloneFlag.CLONE_NEWNET.value()),
                    new Check("CLONE_NEWUSER", CloneFlag.CLONE_NEWUSER.value()));

    /** A C expression of the headers and the value that we use for it. */
    private record Check(String expression, long value) {}

    @TempDir private Path directory;

    @Test
    void theCompilerAgrees() throws Exception {
        String headers =
                """
                #define _GNU_SOURCE
                #include <errno.h>
                #include <fcntl.h>
                #include <linux/capability.h>
                #include <linux/nsfs.h>
                #include <linux/openat2.h>
                #include <linux/sched.h>
                #include <linux/sockios.h>
                #include <net/if.h>
                #include <poll.h>
                #include <signal.h>
                #include <stddef.h>
                #include <sys/epoll.h>
                #include <sys/file.h>
                #include <sys/mount.h>
                #include <sys/socket.h>
                #include <sys/stat.h>
                #include <sys/syscall.h>
                #include <sys/uio.h>
                #include <sys/utsname.h>
                """;
        String asserts =
                CHECKS.stream()
                        .map(check -> assertion(check.expression(), check.value()))
                        .collect(Collectors.joining());
        for (Errno errno : Errno.values()) {
            asserts += assertion(errno.name(), errno.number());
        }
        for (int signal = 1; signal < 32; signal++) {
            asserts += assertion("SIG" + new Signal(signal).name(), signal);
        }
        for (Capability capability : Capability.values()) {
            asserts += assertion("CAP_" + capability, capability.ordinal());
        }
        for (CloneFlag flag : CloneFlag.values()) {
            asserts += assertion(flag.name(), flag.value());
        }
        for (SyscallNumber syscall : SyscallNumber.values()) {
            String number = "SYS_" + syscall.callName();
            asserts += "#ifdef " + number + "\n" + assertion(number, syscall.value()) + "#endif\n";
        }
        Path source = Files.writeString(directory.resolve("layout.c"), headers + asserts);
        Process compiler =
                new ProcessBuilder("cc", "-fsyntax-only", "-Wall", source.toString())
                        .redirectErrorStream(true)
                        .start();
        String said = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(compiler.waitFor()).as(said).isZero();
    }

    private static String assertion(String expression, long value) {
        return "_Static_assert((%s) == %dL, \"%s\");\n"
                .formatted(expression, value, expression.replace("\"", ""));
    }
}

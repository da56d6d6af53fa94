package dev.seahaven.syscall;

import static dev.seahaven.syscall.Calling.AF_UNIX;
import static dev.seahaven.syscall.Calling.CLOSE;
import static dev.seahaven.syscall.Calling.call;
import static dev.seahaven.syscall.Calling.fd;
import static dev.seahaven.syscall.Calling.quoted;

import com.sun.jna.Memory;

import dev.seahaven.text.KernelText;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** {@link SocketCalls} by JNA. */
abstract class LinuxSocketCalls extends LinuxFileCalls implements SocketCalls {

    static final int MSG_CMSG_CLOEXEC = 0x40000000;
    static final int MSG_NOSIGNAL = 0x4000;
    static final int MSG_CUT = 0x28;
    static final int SEQPACKET_CLOEXEC = 5 | 02000000;
    static final int DATAGRAM_CLOEXEC = 2 | 02000000;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MAX_FDS = 64;

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
        byte[] name = KernelText.encode(path);
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
                                bytes.length,
                                MSG_NOSIGNAL,
                                address.array(),
                                address.capacity()),
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
                    () -> Libc.sendmsg(socket.number(), message, MSG_NOSIGNAL),
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
                            () -> Libc.recvmsg(socket.number(), message, MSG_CMSG_CLOEXEC),
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
}

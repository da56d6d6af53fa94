package dev.seahaven.netlink;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.NamespaceCalls;
import dev.seahaven.syscall.SyscallException;

import java.util.ArrayList;
import java.util.List;

/** Asks the kernel by a netlink socket. */
public final class Netlink {

    private static final int DATAGRAM_MAX = 64 * 1024;
    private static final int TRIES = 5;

    private final NamespaceCalls calls;

    public Netlink(NamespaceCalls calls) {
        this.calls = calls;
    }

    /**
     * Everything of a kind, as it was at one moment where the kernel can tell so.
     *
     * @throws SyscallException when the kernel refuses
     */
    public List<NetlinkMessage> dump(Fd socket, int type, byte[] payload) {
        List<NetlinkMessage> found = List.of();
        for (int i = 0; i < TRIES; i++) {
            found = dumpOnce(socket, type, payload);
            if (found.stream().noneMatch(NetlinkMessage::wasInterrupted)) {
                break;
            }
        }
        return found;
    }

    private List<NetlinkMessage> dumpOnce(Fd socket, int type, byte[] payload) {
        calls.send(socket, NetlinkMessage.dump(type, payload));
        List<NetlinkMessage> found = new ArrayList<>();
        while (true) {
            for (NetlinkMessage message : NetlinkMessage.parse(calls.recv(socket, DATAGRAM_MAX))) {
                if (message.type() == NetlinkMessage.NLMSG_DONE) {
                    return found;
                }
                if (message.type() == NetlinkMessage.NLMSG_ERROR) {
                    throw new SyscallException(
                            "netlink(dump " + type + ")", Errno.of(message.error()));
                }
                found.add(message);
            }
        }
    }
}

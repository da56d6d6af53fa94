package dev.seahaven.syscall;

import java.util.List;

/** Calls on Unix sockets, with descriptors in messages (unix(7), cmsg(3)). */
public interface SocketCalls {

    /**
     * A message of a SEQPACKET socket with the descriptors that came in SCM_RIGHTS; no bytes mean
     * that the peer is gone.
     */
    record Message(byte[] bytes, List<Fd> fds) {}

    /** socketpair(2) of the kind AF_UNIX, SOCK_SEQPACKET. */
    Fd[] socketpair();

    /** sendmsg(2) with SCM_RIGHTS and MSG_NOSIGNAL. */
    void sendmsg(Fd socket, byte[] bytes, List<Fd> fds);

    /** recvmsg(2) of one message of at most {@code most} bytes. */
    Message recvmsg(Fd socket, int most);

    /** A socket(2) of AF_UNIX that sends datagrams. */
    Fd datagramSocket();

    /**
     * sendto(2) of one datagram.
     *
     * @param path of the receiver's socket; a leading {@code @} is for an abstract one (unix(7))
     */
    void sendto(Fd socket, byte[] bytes, String path);
}

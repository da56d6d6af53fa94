package dev.seahaven.syscall;

import static dev.seahaven.syscall.Calling.O_CLOEXEC;
import static dev.seahaven.syscall.Calling.X86;
import static dev.seahaven.syscall.Calling.call;
import static dev.seahaven.syscall.Calling.fd;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;

/** {@link PollCalls} by JNA. */
abstract class LinuxPollCalls extends LinuxSocketCalls implements PollCalls {

    static final int POLLIN = 1;
    private static final int POLLPRI = 2;

    /** struct epoll_event is packed on x86 only (epoll_event(3type)). */
    static int epollEventSize() {
        return X86 ? 12 : 16;
    }

    @Override
    public boolean mountsHaveChanged(Fd mountinfo) {
        return poll(mountinfo, POLLPRI);
    }

    static boolean poll(Fd fd, int events) {
        try (Memory polled = new Memory(Layout.POLLFD_SIZE)) {
            polled.setInt(0, fd.number());
            polled.setShort(Layout.POLLFD_EVENTS, (short) events);
            polled.setShort(Layout.POLLFD_REVENTS, (short) 0);
            return call(() -> Libc.poll(polled, 1, 0), () -> "poll(" + fd + ")") > 0;
        }
    }

    @Override
    public Fd epollCreate1() {
        return fd(() -> Libc.epoll_create1(O_CLOEXEC), () -> "epoll_create1()");
    }

    @Override
    public void epollAdd(Fd epoll, Fd fd, long key) {
        try (Memory event = new Memory(epollEventSize())) {
            event.clear();
            event.setInt(0, EPOLLIN);
            event.setLong(epollEventSize() - 8L, key);
            call(
                    () -> Libc.epoll_ctl(epoll.number(), 1, fd.number(), event),
                    () -> "epoll_ctl(EPOLL_CTL_ADD, " + fd + ")");
        }
    }

    @Override
    public void epollDelete(Fd epoll, Fd fd) {
        call(
                () -> Libc.epoll_ctl(epoll.number(), 2, fd.number(), Pointer.NULL),
                () -> "epoll_ctl(EPOLL_CTL_DEL, " + fd + ")");
    }

    @Override
    public long[] epollWait(Fd epoll, int most) {
        int size = epollEventSize();
        try (Memory events = new Memory((long) size * most)) {
            int count =
                    call(
                            () -> Libc.epoll_wait(epoll.number(), events, most, -1),
                            () -> "epoll_wait()");
            long[] keys = new long[count];
            for (int i = 0; i < count; i++) {
                keys[i] = events.getLong((long) size * i + size - 8);
            }
            return keys;
        }
    }
}

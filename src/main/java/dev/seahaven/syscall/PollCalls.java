package dev.seahaven.syscall;

/** Calls that wait for many descriptors (epoll(7)), or look whether one is ready (poll(2)). */
public interface PollCalls {

    int EPOLLIN = 1;

    /** epoll_create1(2). */
    Fd epollCreate1();

    /** epoll_ctl(2): reports {@code key} when {@code fd} becomes readable or hangs up. */
    void epollAdd(Fd epoll, Fd fd, long key);

    /** epoll_ctl(2) with EPOLL_CTL_DEL. */
    void epollDelete(Fd epoll, Fd fd);

    /** epoll_wait(2) without a time limit: the keys of what is ready. */
    long[] epollWait(Fd epoll, int most);

    /**
     * poll(2) without waiting: whether the mounts have changed since the last call with this
     * descriptor of a mountinfo file.
     */
    boolean mountsHaveChanged(Fd mountinfo);
}

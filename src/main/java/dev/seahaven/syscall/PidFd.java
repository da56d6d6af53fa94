package dev.seahaven.syscall;

/**
 * A process, held so that its number cannot become another's (pidfd_open(2)). Readable for poll
 * when it has ended.
 */
public final class PidFd extends Fd {

    private final int pid;

    public PidFd(int pid, int number, Closer closer) {
        super(number, closer);
        this.pid = pid;
    }

    /** The process number in the daemon's pid namespace. */
    public int pid() {
        return pid;
    }
}

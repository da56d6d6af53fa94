package dev.seahaven.syscall;

import java.util.List;
import java.util.OptionalInt;

/** Calls on processes, by pidfd where the kernel has one (pidfd_open(2)). */
public interface ProcessCalls {

    /** prlimit(2): sets both limits of another process. */
    void prlimit(int pid, int resource, long value);

    /**
     * prlimit(2) by a thread that is another user for it (setresuid(2)): the owner of a user
     * namespace has every capability in it, also those that the host's root lacks.
     */
    void prlimitAs(long uid, int pid, int resource, long value);

    /** setpriority(2) of the calling thread alone: from -20, the highest, to 19. */
    void setThreadNice(int nice);

    /**
     * posix_spawn(3) of a program in a session of its own, with {@code stdin} as its standard
     * input. Returns the pid.
     */
    int posixSpawn(String path, List<String> arguments, List<String> environment, Fd stdin);

    /** waitpid(2) for a child of this process. Returns the status as of wait(2). */
    int waitpid(int pid);

    /** pidfd_open(2). */
    PidFd pidfdOpen(int pid);

    /** pidfd_send_signal(2). */
    void pidfdSendSignal(PidFd pidfd, Signal signal);

    /**
     * The status, as of wait(2), of a process that has ended, whoever reaped it: ioctl
     * PIDFD_GET_INFO with PIDFD_INFO_EXIT (Linux 6.15). Empty where it still runs or the kernel
     * does not tell.
     */
    OptionalInt pidfdExitStatus(PidFd pidfd);

    /** Whether a process has ended: poll(2) of its pidfd, without waiting. */
    boolean hasEnded(PidFd pidfd);

    /** The effective user id. */
    int geteuid();
}

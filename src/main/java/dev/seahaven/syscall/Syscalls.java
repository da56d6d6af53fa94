package dev.seahaven.syscall;

/**
 * The system calls that the daemon makes, with the kernel's names and order of parameters; each
 * part has the calls of one kind. Every descriptor that comes back is close-on-exec. All methods
 * throw {@link SyscallException}; those that wait are repeated after EINTR. {@link NamespaceCalls}
 * are apart, for they change the calling thread.
 */
public interface Syscalls
        extends FileCalls, SocketCalls, ProcessCalls, PollCalls, MountCalls, KernelCalls {}

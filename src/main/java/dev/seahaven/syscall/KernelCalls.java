package dev.seahaven.syscall;

/** Calls that ask what the kernel can do, and bpf(2). */
public interface KernelCalls {

    /** The ABI of Landlock (landlock_create_ruleset(2)); 0 where there is none. */
    int landlockAbi();

    /**
     * bpf(2), BPF_PROG_LOAD.
     *
     * @param type BPF_PROG_TYPE_*
     * @param instructions {@code struct bpf_insn[]}
     */
    Fd bpfProgLoad(int type, byte[] instructions);

    /**
     * bpf(2), BPF_PROG_ATTACH beside what is attached already.
     *
     * @param type BPF_CGROUP_*
     */
    void bpfProgAttach(Fd cgroup, Fd program, int type);

    /** Whether fsopen(2) knows a file system; the kernel loads its module where there is one. */
    boolean knowsFileSystem(String type);

    /** Whether the kernel knows a system call: it is made with arguments that no kernel accepts. */
    boolean knows(SyscallNumber syscall);

    /**
     * Whether a file system takes an option whose value is a descriptor, here of {@code path}
     * (fsconfig(2)); nothing is mounted.
     */
    boolean fileSystemHasOption(String type, String option, String path);

    /**
     * Whether {@link ProcessCalls#pidfdExitStatus} can know anything on this kernel; the process
     * lives.
     */
    boolean knowsPidfdExitInfo(PidFd pidfd);
}

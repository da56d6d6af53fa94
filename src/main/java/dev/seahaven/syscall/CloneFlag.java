package dev.seahaven.syscall;

/** The flags of clone(2), unshare(2) and setns(2) that stand for namespace types. */
public enum CloneFlag {
    CLONE_NEWTIME(0x00000080),
    CLONE_NEWNS(0x00020000),
    CLONE_NEWCGROUP(0x02000000),
    CLONE_NEWUTS(0x04000000),
    CLONE_NEWIPC(0x08000000),
    CLONE_NEWUSER(0x10000000),
    CLONE_NEWPID(0x20000000),
    CLONE_NEWNET(0x40000000);

    private final int value;

    CloneFlag(int value) {
        this.value = value;
    }

    public int value() {
        return value;
    }
}

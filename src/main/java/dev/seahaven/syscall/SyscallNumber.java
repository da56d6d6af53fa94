package dev.seahaven.syscall;

import java.util.Locale;

/**
 * The numbers of system calls that the C library has no function for, or that are looked for. Those
 * of before Linux 5.0 differ between x86 and Arm.
 */
public enum SyscallNumber {
    BPF(321, 280),
    GETDENTS64(217, 61),
    KCMP(312, 272),
    SETRESUID(117, 147),
    STATX(332, 291),
    PIDFD_SEND_SIGNAL(424),
    OPEN_TREE(428),
    MOVE_MOUNT(429),
    FSOPEN(430),
    FSCONFIG(431),
    FSMOUNT(432),
    PIDFD_OPEN(434),
    CLONE3(435),
    CLOSE_RANGE(436),
    OPENAT2(437),
    PIDFD_GETFD(438),
    MOUNT_SETATTR(442),
    LANDLOCK_CREATE_RULESET(444),
    STATMOUNT(457),
    LISTMOUNT(458),
    LISTNS(470);

    private final int value;

    SyscallNumber(int value) {
        this(value, value);
    }

    SyscallNumber(int x86, int arm) {
        this.value = Calling.X86 ? x86 : arm;
    }

    /** Its number on this machine. */
    public int value() {
        return value;
    }

    /** Its name in manual pages, such as {@code open_tree}. */
    public String callName() {
        return name().toLowerCase(Locale.ROOT);
    }
}

package dev.seahaven.syscall;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The capabilities by their numbers, which are their places here (linux/capability.h). */
public enum Capability {
    CHOWN,
    DAC_OVERRIDE,
    DAC_READ_SEARCH,
    FOWNER,
    FSETID,
    KILL,
    SETGID,
    SETUID,
    SETPCAP,
    LINUX_IMMUTABLE,
    NET_BIND_SERVICE,
    NET_BROADCAST,
    NET_ADMIN,
    NET_RAW,
    IPC_LOCK,
    IPC_OWNER,
    SYS_MODULE,
    SYS_RAWIO,
    SYS_CHROOT,
    SYS_PTRACE,
    SYS_PACCT,
    SYS_ADMIN,
    SYS_BOOT,
    SYS_NICE,
    SYS_RESOURCE,
    SYS_TIME,
    SYS_TTY_CONFIG,
    MKNOD,
    LEASE,
    AUDIT_WRITE,
    AUDIT_CONTROL,
    SETFCAP,
    MAC_OVERRIDE,
    MAC_ADMIN,
    SYSLOG,
    WAKE_ALARM,
    BLOCK_SUSPEND,
    AUDIT_READ,
    PERFMON,
    BPF,
    CHECKPOINT_RESTORE;

    /** By its name in capabilities(7), in any case, with or without {@code CAP_}. */
    public static Optional<Capability> parse(String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        String bare = upper.startsWith("CAP_") ? upper.substring(4) : upper;
        return Arrays.stream(values()).filter(each -> each.name().equals(bare)).findFirst();
    }

    /** The bit of it in a set. */
    public long mask() {
        return 1L << ordinal();
    }

    /** The names in a set, as {@code /proc/PID/status} has it in hexadecimal. */
    public static List<String> names(long set) {
        List<String> names = new ArrayList<>();
        for (Capability capability : values()) {
            if ((set & capability.mask()) != 0) {
                names.add("CAP_" + capability.name());
            }
        }
        return names;
    }
}

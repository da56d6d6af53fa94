package dev.seahaven.isolation;

import dev.seahaven.seccomp.BpfProgram;
import dev.seahaven.syscall.LibSeccomp;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** System calls that have led out of containers, or into parts of the kernel that few look at. */
final class DangerousCalls {

    private static final long CLONE_NEWUSER = 0x10000000;
    private static final long AF_ALG = 38;
    private static final long AF_VSOCK = 40;
    private static final long TIOCSTI = 0x5412;

    /** With arguments that make them dangerous. */
    private static final Map<String, long[]> CALLS = new LinkedHashMap<>();

    static {
        for (String name :
                List.of(
                        "mount",
                        "umount2",
                        "pivot_root",
                        "move_mount",
                        "open_tree",
                        "fsopen",
                        "fsconfig",
                        "mount_setattr",
                        "unshare",
                        "setns",
                        "bpf",
                        "perf_event_open",
                        "userfaultfd",
                        "io_uring_setup",
                        "keyctl",
                        "add_key",
                        "request_key",
                        "kexec_load",
                        "kexec_file_load",
                        "init_module",
                        "finit_module",
                        "delete_module",
                        "open_by_handle_at",
                        "iopl",
                        "ioperm",
                        "swapon",
                        "swapoff",
                        "reboot",
                        "settimeofday",
                        "clock_settime",
                        "syslog",
                        "acct",
                        "quotactl",
                        "clone3",
                        "kcmp",
                        "move_pages")) {
            CALLS.put(name, new long[6]);
        }
        CALLS.put("clone", new long[] {CLONE_NEWUSER, 0, 0, 0, 0, 0});
        CALLS.put("socket AF_ALG", new long[] {AF_ALG, 0, 0, 0, 0, 0});
        CALLS.put("socket AF_VSOCK", new long[] {AF_VSOCK, 0, 0, 0, 0, 0});
        CALLS.put("ioctl TIOCSTI", new long[] {0, TIOCSTI, 0, 0, 0, 0});
    }

    private DangerousCalls() {}

    static List<String> all() {
        return List.copyOf(CALLS.keySet());
    }

    /** Those that a filter lets through. */
    static List<String> through(byte[] filter) {
        BpfProgram program = new BpfProgram(filter);
        int architecture = LibSeccomp.nativeArchitecture();
        List<String> through = new ArrayList<>();
        CALLS.forEach(
                (name, arguments) -> {
                    int number = LibSeccomp.systemCall(name.split(" ")[0]);
                    if (number >= 0
                            && BpfProgram.letsThrough(
                                    program.action(architecture, number, arguments))) {
                        through.add(name);
                    }
                });
        return through;
    }
}

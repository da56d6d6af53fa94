package dev.seahaven.audit;

import dev.seahaven.seccomp.BpfProgram;
import dev.seahaven.seccomp.BpfProgram.Argument;
import dev.seahaven.syscall.LibSeccomp;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** System calls that have led out of containers, or into parts of the kernel that few look at. */
final class DangerousCalls {

    private static final long CLONE_NEWUSER = 0x10000000;
    private static final long AF_ALG = 38;
    private static final long AF_VSOCK = 40;
    private static final long TIOCSTI = 0x5412;
    private static final long PR_SET_SECCOMP = 22;
    private static final long SECCOMP_MODE_FILTER = 2;
    private static final long SOL_SOCKET = 1;

    /** The bit that tells the numbers of x32 from those of x86_64, under one architecture. */
    private static final int X32_BIT = 0x40000000;

    private static final Set<String> SOCKET_CALLS = Set.of("socket", "setsockopt");

    /** Those that make a program which the kernel runs; each is a memory of its own. */
    private static final Map<String, List<Argument>> OF_FILTERS = new LinkedHashMap<>();

    static {
        OF_FILTERS.put("seccomp SECCOMP_SET_MODE_FILTER", List.of(Argument.lower(1)));
        OF_FILTERS.put(
                "prctl PR_SET_SECCOMP",
                List.of(Argument.lower(PR_SET_SECCOMP), Argument.lower(SECCOMP_MODE_FILTER)));
        OF_FILTERS.put("setsockopt SO_ATTACH_FILTER", socketOption(26));
        OF_FILTERS.put("setsockopt SO_ATTACH_BPF", socketOption(50));
        OF_FILTERS.put("setsockopt SO_ATTACH_REUSEPORT_CBPF", socketOption(51));
        OF_FILTERS.put("setsockopt SO_ATTACH_REUSEPORT_EBPF", socketOption(52));
    }

    /** With what is known of the arguments that make them dangerous. */
    private static final Map<String, List<Argument>> CALLS = new LinkedHashMap<>();

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
            CALLS.put(name, List.of());
        }
        CALLS.put("clone", List.of(new Argument(CLONE_NEWUSER, CLONE_NEWUSER)));
        CALLS.put("socket AF_ALG", List.of(Argument.lower(AF_ALG)));
        CALLS.put("socket AF_VSOCK", List.of(Argument.lower(AF_VSOCK)));
        CALLS.put("ioctl TIOCSTI", List.of(Argument.ANY, Argument.lower(TIOCSTI)));
        CALLS.putAll(OF_FILTERS);
    }

    private DangerousCalls() {}

    static boolean makesFilters(String call) {
        return OF_FILTERS.keySet().stream().anyMatch(call::endsWith);
    }

    private static List<Argument> socketOption(long option) {
        return List.of(Argument.ANY, Argument.lower(SOL_SOCKET), Argument.lower(option));
    }

    static List<String> all() {
        return List.copyOf(CALLS.keySet());
    }

    /**
     * Those that a filter lets through, with whatever arguments; those of programs for another
     * architecture that this machine runs too have its name before theirs.
     */
    static List<String> through(byte[] filter) {
        BpfProgram program = new BpfProgram(filter);
        int own = LibSeccomp.nativeArchitecture();
        List<String> through = new ArrayList<>();
        CALLS.forEach(
                (name, arguments) -> {
                    int number = LibSeccomp.systemCall(name.split(" ")[0]);
                    if (number >= 0 && program.mayLetThrough(own, number, arguments)) {
                        through.add(name);
                    }
                });
        if (own == LibSeccomp.architecture("x86_64")) {
            addForeign(through, program, "x86", LibSeccomp.architecture("x86"));
            addForeign(through, program, "x32", own);
        }
        return through;
    }

    private static void addForeign(
            List<String> through, BpfProgram program, String name, int audited) {
        int architecture = LibSeccomp.architecture(name);
        CALLS.forEach(
                (call, arguments) -> {
                    String plain = call.split(" ")[0];
                    int number = LibSeccomp.systemCall(architecture, plain);
                    boolean multiplexed = number < 0 && SOCKET_CALLS.contains(plain);
                    if (multiplexed) { // its arguments are in memory, where no filter looks
                        number = LibSeccomp.systemCall(architecture, "socketcall");
                    }
                    boolean there = name.equals("x32") ? (number & X32_BIT) != 0 : number >= 0;
                    if (there
                            && program.mayLetThrough(
                                    audited, number, multiplexed ? List.of() : arguments)) {
                        through.add(name + " " + call);
                    }
                });
    }
}

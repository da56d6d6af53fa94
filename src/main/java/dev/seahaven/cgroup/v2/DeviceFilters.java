package dev.seahaven.cgroup.v2;

import dev.seahaven.cgroup.DeviceRules;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What takes the place of the devices controller on cgroup2: a BPF program of type CGROUP_DEVICE
 * (Documentation/admin-guide/cgroup-v2.rst, "Device controller"), that allows what a list allows
 * and refuses all else.
 */
public final class DeviceFilters {

    private static final int PROGRAM_TYPE = 15; // BPF_PROG_TYPE_CGROUP_DEVICE
    private static final int ATTACH_TYPE = 6; // BPF_CGROUP_DEVICE
    private static final int BLOCK = 1;
    private static final int CHARACTER = 2;

    private static final int LOAD_WORD = 0x61;
    private static final int MOVE_REGISTER = 0xbf;
    private static final int MOVE = 0xb7;
    private static final int AND_32 = 0x54;
    private static final int SHIFT_RIGHT_32 = 0x74;
    private static final int JUMP_UNLESS_EQUAL = 0x55;
    private static final int EXIT = 0x95;

    private final Syscalls syscalls;
    private final Map<List<DeviceRules.Rule>, Fd> programs = new ConcurrentHashMap<>();

    public DeviceFilters(Syscalls syscalls) {
        this.syscalls = syscalls;
    }

    /** Whether the kernel takes such programs. */
    public boolean isPossible() {
        try {
            syscalls.bpfProgLoad(PROGRAM_TYPE, program(List.of())).close();
            return true;
        } catch (SyscallException e) {
            return false; // whatever the reason is, no program can be had
        }
    }

    /** Attaches a filter to a group, for good. */
    public void attach(Fd group, List<DeviceRules.Rule> rules) {
        Fd program =
                programs.computeIfAbsent(
                        rules, each -> syscalls.bpfProgLoad(PROGRAM_TYPE, program(each)));
        syscalls.bpfProgAttach(group, program, ATTACH_TYPE);
    }

    static byte[] program(List<DeviceRules.Rule> rules) {
        ByteBuffer out = ByteBuffer.allocate(8 * (8 + 8 * rules.size()));
        out.order(ByteOrder.nativeOrder());
        put(out, LOAD_WORD, 2, 1, 0, 0); // r2 = access and type
        put(out, MOVE_REGISTER, 3, 2, 0, 0);
        put(out, AND_32, 2, 0, 0, 0xffff); // r2 = type
        put(out, SHIFT_RIGHT_32, 3, 0, 0, 16); // r3 = access
        put(out, LOAD_WORD, 4, 1, 4, 0); // r4 = major
        put(out, LOAD_WORD, 5, 1, 8, 0); // r5 = minor
        for (DeviceRules.Rule rule : rules) {
            boolean anyMinor = rule.minor() < 0;
            int left = anyMinor ? 6 : 7; // instructions of this rule after the first
            put(out, JUMP_UNLESS_EQUAL, 2, 0, left--, rule.kind() == 'b' ? BLOCK : CHARACTER);
            put(out, JUMP_UNLESS_EQUAL, 4, 0, left--, rule.major());
            if (!anyMinor) {
                put(out, JUMP_UNLESS_EQUAL, 5, 0, left--, rule.minor());
            }
            put(out, MOVE_REGISTER, 6, 3, 0, 0);
            put(out, AND_32, 6, 0, 0, ~access(rule.permissions()) & 7);
            put(out, JUMP_UNLESS_EQUAL, 6, 0, 2, 0);
            put(out, MOVE, 0, 0, 0, 1);
            put(out, EXIT, 0, 0, 0, 0);
        }
        put(out, MOVE, 0, 0, 0, 0);
        put(out, EXIT, 0, 0, 0, 0);
        byte[] program = new byte[out.position()];
        out.flip().get(program);
        return program;
    }

    private static int access(String permissions) {
        return (permissions.contains("m") ? 1 : 0)
                | (permissions.contains("r") ? 2 : 0)
                | (permissions.contains("w") ? 4 : 0);
    }

    private static void put(ByteBuffer out, int code, int to, int from, int offset, int value) {
        boolean little = out.order() == ByteOrder.LITTLE_ENDIAN;
        out.put((byte) code).put((byte) (little ? from << 4 | to : to << 4 | from));
        out.putShort((short) offset).putInt(value);
    }
}

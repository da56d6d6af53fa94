package dev.seahaven.seccomp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;

/**
 * A filter as the kernel runs it (seccomp(2), bpf(4)): tells what it does with a system call,
 * without making it. Of classic BPF it knows what libseccomp generates.
 */
public final class BpfProgram {

    private static final int LOAD_WORD = 0x20; // BPF_LD|BPF_W|BPF_ABS
    private static final int JUMP = 0x05;
    private static final int JUMP_EQUAL = 0x15;
    private static final int JUMP_GREATER = 0x25;
    private static final int JUMP_GREATER_OR_EQUAL = 0x35;
    private static final int JUMP_SET = 0x45;
    private static final int AND = 0x54; // BPF_ALU|BPF_AND|BPF_K
    private static final int RETURN = 0x06;
    private static final int ACTION_MASK = 0xffff0000;

    /** SECCOMP_RET_ALLOW. */
    public static final int ALLOW = 0x7fff0000;

    /** SECCOMP_RET_LOG, which lets the call through too. */
    public static final int LOG = 0x7ffc0000;

    private static final int ARGUMENTS_OFFSET = 16; // of struct seccomp_data
    private static final int DEPENDS = 0x7fffffff; // no action of seccomp(2)

    private final ByteBuffer instructions;

    public BpfProgram(byte[] program) {
        this.instructions = ByteBuffer.wrap(program).order(ByteOrder.nativeOrder());
    }

    /** What is done with a call whatever its arguments are; empty where it depends on them. */
    OptionalInt constantAction(int architecture, int number) {
        long[] unknown = {};
        int action = action(architecture, number, unknown);
        return action == DEPENDS ? OptionalInt.empty() : OptionalInt.of(action);
    }

    /**
     * What is done with a call: SECCOMP_RET_* with its data.
     *
     * @param architecture AUDIT_ARCH_*
     * @param arguments all six, or as many as the filter may look at
     */
    public int action(int architecture, int number, long... arguments) {
        int end = ARGUMENTS_OFFSET + 8 * arguments.length;
        ByteBuffer data = ByteBuffer.allocate(64).order(ByteOrder.nativeOrder());
        data.putInt(number).putInt(architecture).putLong(0);
        for (long argument : arguments) {
            data.putLong(argument);
        }
        int accumulator = 0;
        for (int at = 0; ; at++) {
            int code = instructions.getShort(8 * at) & 0xffff;
            int whenTrue = instructions.get(8 * at + 2) & 0xff;
            int whenFalse = instructions.get(8 * at + 3) & 0xff;
            int k = instructions.getInt(8 * at + 4);
            switch (code) {
                case LOAD_WORD -> {
                    if (k >= end) {
                        return DEPENDS;
                    }
                    accumulator = data.getInt(k);
                }
                case AND -> accumulator &= k;
                case JUMP -> at += k;
                case JUMP_EQUAL -> at += accumulator == k ? whenTrue : whenFalse;
                case JUMP_SET -> at += (accumulator & k) != 0 ? whenTrue : whenFalse;
                case JUMP_GREATER ->
                        at += Integer.compareUnsigned(accumulator, k) > 0 ? whenTrue : whenFalse;
                case JUMP_GREATER_OR_EQUAL ->
                        at += Integer.compareUnsigned(accumulator, k) >= 0 ? whenTrue : whenFalse;
                case RETURN -> {
                    return k;
                }
                default ->
                        throw new IllegalArgumentException(
                                "an instruction that libseccomp does not make: " + code);
            }
        }
    }

    /** Whether an action lets the call through. */
    public static boolean letsThrough(int action) {
        int kind = action & ACTION_MASK;
        return kind == ALLOW || kind == LOG;
    }
}

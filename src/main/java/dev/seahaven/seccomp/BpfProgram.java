package dev.seahaven.seccomp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

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

    private static final int TRACE = 0x7ff00000; // SECCOMP_RET_TRACE
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
                default -> throw unknown(code);
            }
        }
    }

    /** What is known of an argument: the bits that {@code known} has are those of {@code value}. */
    public record Argument(long value, long known) {

        /** Nothing is. */
        public static final Argument ANY = new Argument(0, 0);

        /** Its lower half, which is all that the kernel takes where it is an {@code int}. */
        public static Argument lower(long value) {
            return new Argument(value, 0xffffffffL);
        }
    }

    /** A place in the program, and what is known of the accumulator there. */
    private record Place(int at, int value, int known) {
        boolean differsFrom(int k) {
            return ((value ^ k) & known) != 0;
        }

        boolean is(int k) {
            return known == -1 && value == k;
        }
    }

    /**
     * Whether there are arguments with which a call is let through, as far as they are known: all
     * ways through the program are followed. A way that asks twice for the same may be one that no
     * call can take; it counts all the same. A tracer's word counts as a yes: whoever is inside can
     * be one.
     *
     * @param arguments those that are not given may be anything
     */
    public boolean mayLetThrough(int architecture, int number, List<Argument> arguments) {
        Deque<Place> open = new ArrayDeque<>(List.of(new Place(0, 0, -1)));
        Set<Place> seen = new HashSet<>(open);
        while (!open.isEmpty()) {
            Place here = open.pop();
            int code = instructions.getShort(8 * here.at) & 0xffff;
            int k = instructions.getInt(8 * here.at + 4);
            if (code == RETURN) {
                if (letsThrough(k) || (k & ACTION_MASK) == TRACE) {
                    return true;
                }
                continue;
            }
            for (Place next : next(here, code, k, load(architecture, number, arguments, k))) {
                if (seen.add(next)) {
                    open.push(next);
                }
            }
        }
        return false;
    }

    /** Of struct seccomp_data. */
    private static Argument load(
            int architecture, int number, List<Argument> arguments, int offset) {
        if (offset < ARGUMENTS_OFFSET) {
            return offset == 0
                    ? Argument.lower(number)
                    : offset == 4 ? Argument.lower(architecture) : Argument.ANY;
        }
        int index = (offset - ARGUMENTS_OFFSET) / 8;
        Argument whole = index < arguments.size() ? arguments.get(index) : Argument.ANY;
        boolean first = offset % 8 == 0;
        boolean lower = first == (ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN);
        int shift = lower ? 0 : 32;
        return new Argument(whole.value >>> shift, whole.known >>> shift);
    }

    private List<Place> next(Place here, int code, int k, Argument word) {
        int after = here.at + 1;
        Place whenTrue = moved(here, instructions.get(8 * here.at + 2));
        Place whenFalse = moved(here, instructions.get(8 * here.at + 3));
        return switch (code) {
            case LOAD_WORD -> List.of(new Place(after, (int) word.value, (int) word.known));
            case AND -> List.of(new Place(after, here.value & k, here.known | ~k));
            case JUMP -> List.of(new Place(after + k, here.value, here.known));
            case JUMP_EQUAL ->
                    here.differsFrom(k)
                            ? List.of(whenFalse)
                            : here.is(k) ? List.of(whenTrue) : List.of(whenTrue, whenFalse);
            case JUMP_SET ->
                    (here.value & here.known & k) != 0
                            ? List.of(whenTrue)
                            : (~here.known & k) == 0
                                    ? List.of(whenFalse)
                                    : List.of(whenTrue, whenFalse);
            case JUMP_GREATER, JUMP_GREATER_OR_EQUAL -> {
                int least = code == JUMP_GREATER ? 1 : 0;
                yield here.known != -1
                        ? List.of(whenTrue, whenFalse)
                        : Integer.compareUnsigned(here.value, k) >= least
                                ? List.of(whenTrue)
                                : List.of(whenFalse);
            }
            default -> throw unknown(code);
        };
    }

    private static Place moved(Place here, byte distance) {
        return new Place(here.at + 1 + Byte.toUnsignedInt(distance), here.value, here.known);
    }

    private static IllegalArgumentException unknown(int code) {
        return new IllegalArgumentException(
                "an instruction that libseccomp does not make: " + code);
    }

    /** Whether an action lets the call through. */
    public static boolean letsThrough(int action) {
        int kind = action & ACTION_MASK;
        return kind == ALLOW || kind == LOG;
    }
}

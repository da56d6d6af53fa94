package dev.seahaven.seccomp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Makes a filter that does the same with fewer steps. At loading, the kernel walks through a filter
 * once for each system call there is (seccomp_cache_prepare() in kernel/seccomp.c), so the length
 * of the way is what a launch pays for. libseccomp compares number by number; here neighbours with
 * the same outcome are one range, and the range is found by halving. What depends on arguments
 * stays as libseccomp has it.
 */
final class FilterOptimizer {

    private static final int LOAD_WORD = 0x20;
    private static final int JUMP = 0x05;
    private static final int JUMP_EQUAL = 0x15;
    private static final int JUMP_GREATER_OR_EQUAL = 0x35;
    private static final int RETURN = 0x06;
    private static final int NUMBER_OFFSET = 0;
    private static final int ARCHITECTURE_OFFSET = 4;
    private static final int JUMP_MAX = 255;
    private static final int JUMP_TO_REST = -1; // of ours, until the places of all are known
    private static final int INSTRUCTION_SIZE = 8;
    private static final int NONE = -1;

    /** Numbers below are looked at one by one; Linux has some 470 on each architecture. */
    private static final int KNOWN_NUMBERS = 1024;

    private static final long X32_FIRST = 0x40000000L;
    private static final long LAST = 0xffffffffL;

    /**
     * @param whole does what is wanted
     * @param rest does the same for every call whose outcome depends on its arguments
     */
    record Part(byte[] whole, byte[] rest) {}

    /**
     * @param first the last of it is before the next one's first
     * @param action what is done where it does not depend on arguments
     * @param rest else the number of the part that decides; negative where {@code action} counts
     */
    private record Range(long first, int action, int rest) {
        boolean goesOn(Range before) {
            return action == before.action && rest == before.rest;
        }
    }

    private record Instruction(int code, int whenTrue, int whenFalse, int k) {}

    private final List<BpfProgram> wholes;
    private final List<byte[]> rests;

    FilterOptimizer(List<Part> parts) {
        this.wholes = parts.stream().map(part -> new BpfProgram(part.whole)).toList();
        this.rests = parts.stream().map(Part::rest).toList();
    }

    /**
     * @param architectures that the filters tell apart (AUDIT_ARCH_*), the likeliest first
     */
    byte[] optimize(List<Integer> architectures) {
        List<Instruction> out = new ArrayList<>();
        out.add(new Instruction(LOAD_WORD, 0, 0, ARCHITECTURE_OFFSET));
        for (int architecture : architectures) {
            List<Instruction> search = new ArrayList<>();
            search.add(new Instruction(LOAD_WORD, 0, 0, NUMBER_OFFSET));
            search.addAll(search(ranges(architecture)));
            out.add(new Instruction(JUMP_EQUAL, 1, 0, architecture));
            out.add(new Instruction(JUMP, 0, 0, search.size()));
            out.addAll(search);
        }
        out.add(new Instruction(RETURN, 0, 0, range(0, 0).action));
        return bytes(out);
    }

    private List<Range> ranges(int architecture) {
        List<Range> ranges = new ArrayList<>();
        for (int number = 0; number < KNOWN_NUMBERS; number++) {
            add(ranges, range(architecture, number));
        }
        add(ranges, range(architecture, KNOWN_NUMBERS));
        add(ranges, range(architecture, X32_FIRST));
        add(ranges, range(architecture, LAST));
        return ranges;
    }

    private static void add(List<Range> to, Range range) {
        if (to.isEmpty() || !range.goesOn(to.getLast())) {
            to.add(range);
        }
    }

    /** The kernel takes the strictest, which is the lowest with its sign (seccomp(2)). */
    private Range range(int architecture, long first) {
        int strictest = BpfProgram.ALLOW;
        int depending = NONE;
        for (int i = 0; i < wholes.size(); i++) {
            OptionalInt action = wholes.get(i).constantAction(architecture, (int) first);
            if (action.isPresent()) {
                strictest = Math.min(strictest, action.getAsInt());
            } else if (depending == NONE) {
                depending = i;
            } else {
                throw new IllegalArgumentException("two filters look at the same arguments");
            }
        }
        if (depending == NONE || strictest != BpfProgram.ALLOW) {
            return new Range(first, strictest, NONE);
        }
        return new Range(first, 0, depending);
    }

    private static List<Instruction> search(List<Range> ranges) {
        if (ranges.size() == 1) {
            Range only = ranges.getFirst();
            return List.of(
                    only.rest == NONE
                            ? new Instruction(RETURN, 0, 0, only.action)
                            : new Instruction(JUMP_TO_REST, 0, 0, only.rest));
        }
        int middle = ranges.size() / 2;
        List<Instruction> lower = search(ranges.subList(0, middle));
        List<Instruction> out = new ArrayList<>();
        int from = (int) ranges.get(middle).first;
        if (lower.size() <= JUMP_MAX) {
            out.add(new Instruction(JUMP_GREATER_OR_EQUAL, lower.size(), 0, from));
        } else {
            out.add(new Instruction(JUMP_GREATER_OR_EQUAL, 0, 1, from));
            out.add(new Instruction(JUMP, 0, 0, lower.size()));
        }
        out.addAll(lower);
        out.addAll(search(ranges.subList(middle, ranges.size())));
        return out;
    }

    private byte[] bytes(List<Instruction> instructions) {
        int[] starts = new int[rests.size()];
        int end = instructions.size();
        for (int i = 0; i < starts.length; i++) {
            int rest = i;
            starts[i] = end;
            if (instructions.stream()
                    .anyMatch(each -> each.code == JUMP_TO_REST && each.k == rest)) {
                end += rests.get(i).length / INSTRUCTION_SIZE;
            } else {
                starts[i] = NONE;
            }
        }
        ByteBuffer out = ByteBuffer.allocate(INSTRUCTION_SIZE * end).order(ByteOrder.nativeOrder());
        for (int at = 0; at < instructions.size(); at++) {
            Instruction each = instructions.get(at);
            boolean toRest = each.code == JUMP_TO_REST;
            out.putShort((short) (toRest ? JUMP : each.code))
                    .put((byte) each.whenTrue)
                    .put((byte) each.whenFalse)
                    .putInt(toRest ? starts[each.k] - at - 1 : each.k);
        }
        for (int i = 0; i < starts.length; i++) {
            if (starts[i] != NONE) {
                out.put(rests.get(i));
            }
        }
        return out.array();
    }
}

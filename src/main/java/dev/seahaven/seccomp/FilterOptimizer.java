package dev.seahaven.seccomp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
    private static final int INSTRUCTION_SIZE = 8;
    private static final int NONE = -1;

    /** Numbers below are looked at one by one; Linux has some 550 on each architecture. */
    private static final int KNOWN_NUMBERS = 1024;

    /**
     * Those of x32 come under the architecture x86_64, with a bit of their own (__X32_SYSCALL_BIT).
     */
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
        Writer out = new Writer();
        int next = out.returning(range(0, 0).action);
        for (int architecture : architectures.reversed()) {
            out.near(out.search(ranges(architecture)), 0);
            int same = out.add(new Instruction(LOAD_WORD, 0, 0, NUMBER_OFFSET));
            int other = out.near(next, JUMP_MAX);
            next =
                    out.add(
                            new Instruction(
                                    JUMP_EQUAL,
                                    out.distance(same),
                                    out.distance(other),
                                    architecture));
        }
        out.add(new Instruction(LOAD_WORD, 0, 0, ARCHITECTURE_OFFSET));
        return out.bytes();
    }

    private List<Range> ranges(int architecture) {
        List<Range> ranges = new ArrayList<>();
        addKnown(ranges, architecture, 0);
        addKnown(ranges, architecture, X32_FIRST);
        add(ranges, range(architecture, LAST));
        return ranges;
    }

    private void addKnown(List<Range> ranges, int architecture, long first) {
        for (int number = 0; number <= KNOWN_NUMBERS; number++) {
            add(ranges, range(architecture, first + number));
        }
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

    /** Writes from the end to the start: what is jumped to is there already, and is shared. */
    private final class Writer {

        private final List<Instruction> backwards = new ArrayList<>();
        private final Map<Integer, Integer> returns = new HashMap<>();
        private final Map<Integer, Integer> starts = new HashMap<>();

        private int add(Instruction instruction) {
            backwards.add(instruction);
            return backwards.size();
        }

        /** From the instruction that is added next to one that is there. */
        private int distance(int to) {
            return backwards.size() - to;
        }

        private int search(List<Range> ranges) {
            if (ranges.size() == 1) {
                Range only = ranges.getFirst();
                return only.rest == NONE ? returning(only.action) : rest(only.rest);
            }
            int middle = ranges.size() / 2;
            int upper = search(ranges.subList(middle, ranges.size()));
            int lower = near(search(ranges.subList(0, middle)), JUMP_MAX - 1);
            upper = near(upper, JUMP_MAX);
            int from = (int) ranges.get(middle).first;
            return add(
                    new Instruction(JUMP_GREATER_OR_EQUAL, distance(upper), distance(lower), from));
        }

        /** Within reach, if need be by a jump that reaches all. */
        private int near(int to, int reach) {
            return distance(to) <= reach ? to : add(new Instruction(JUMP, 0, 0, distance(to)));
        }

        private int returning(int action) {
            Integer there = returns.get(action);
            if (there == null || distance(there) > JUMP_MAX / 2) {
                there = add(new Instruction(RETURN, 0, 0, action));
                returns.put(action, there);
            }
            return there;
        }

        private int rest(int number) {
            return starts.computeIfAbsent(number, this::addRest);
        }

        private int addRest(int number) {
            ByteBuffer rest = ByteBuffer.wrap(rests.get(number)).order(ByteOrder.nativeOrder());
            for (int at = rest.limit() - INSTRUCTION_SIZE; at >= 0; at -= INSTRUCTION_SIZE) {
                add(
                        new Instruction(
                                Short.toUnsignedInt(rest.getShort(at)),
                                Byte.toUnsignedInt(rest.get(at + 2)),
                                Byte.toUnsignedInt(rest.get(at + 3)),
                                rest.getInt(at + 4)));
            }
            return backwards.size();
        }

        private byte[] bytes() {
            ByteBuffer out =
                    ByteBuffer.allocate(INSTRUCTION_SIZE * backwards.size())
                            .order(ByteOrder.nativeOrder());
            for (Instruction each : backwards.reversed()) {
                out.putShort((short) each.code)
                        .put((byte) each.whenTrue)
                        .put((byte) each.whenFalse)
                        .putInt(each.k);
            }
            return out.array();
        }
    }
}

package dev.seahaven.procfs;

import java.util.BitSet;
import java.util.Optional;

/** Lists of processors, as cpuset(7) has them: {@code 0-1,3}. */
public final class CpuList {

    private CpuList() {}

    /** Empty for what is none. */
    public static Optional<BitSet> parse(String text) {
        if (!text.matches("\\d{1,5}(-\\d{1,5})?(,\\d{1,5}(-\\d{1,5})?)*")) {
            return Optional.empty();
        }
        BitSet set = new BitSet();
        for (String part : text.split(",")) {
            String[] ends = part.split("-");
            int first = Integer.parseInt(ends[0]);
            int last = Integer.parseInt(ends[ends.length - 1]);
            if (last < first) {
                return Optional.empty();
            }
            set.set(first, last + 1);
        }
        return Optional.of(set);
    }
}

package dev.seahaven.cgroup;

import org.jspecify.annotations.Nullable;

import java.util.Map;

/** What a group uses and has used; a member is null where the host has no controller for it. */
public record Usage(
        @Nullable Cpu cpu,
        @Nullable Memory memory,
        @Nullable Pids pids,
        @Nullable Io io,
        Map<String, Pressure> pressure) {

    /**
     * @param usageMillis of all processes there ever were
     * @param throttledMillis for which it waited for its next share
     */
    public record Cpu(
            double usageMillis,
            @Nullable Double userMillis,
            @Nullable Double systemMillis,
            @Nullable Double throttledMillis) {}

    /**
     * @param usageBytes with the page cache
     * @param peakBytes the most there ever was
     * @param oomKills how many processes the kernel has killed for want of memory
     */
    public record Memory(
            long usageBytes,
            @Nullable Long peakBytes,
            @Nullable Long swapBytes,
            @Nullable Long anonymousBytes,
            @Nullable Long fileBytes,
            long oomKills) {}

    /**
     * @param refused forks that met the limit
     */
    public record Pids(long current, long refused) {}

    public record Io(
            long readBytes, long writtenBytes, long readOperations, long writeOperations) {}

    /** Pressure stall information (Documentation/accounting/psi.rst). */
    public record Pressure(@Nullable Stall some, @Nullable Stall full) {}

    /**
     * @param avg10 per cent of the last ten seconds
     * @param totalMillis of all time
     */
    public record Stall(double avg10, double avg60, double avg300, double totalMillis) {}

    /** The kernel's own counters of what was refused. */
    public record Evidence(long oomKills, long pidsRefused) {
        public static final Evidence NONE = new Evidence(0, 0);
    }
}

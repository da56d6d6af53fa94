package dev.seahaven.cgroup;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/**
 * The files by which one version of cgroups sets and tells what its controllers do. Each method is
 * for a group on the hierarchy that has the controller; null takes a limit away.
 */
public interface Dialect {

    /** {@code v1} or {@code v2}, for people. */
    String version();

    /** What a group has when no weight was set. */
    int IO_WEIGHT_USUAL = 100;

    /**
     * @param bytes of memory; null without a limit
     * @param swapBytes beside the memory; null without a limit
     */
    record Memory(@Nullable Long bytes, @Nullable Long swapBytes) {}

    /** From what was before it follows which of memory and swap has to be set first. */
    void setMemory(Path group, Memory before, Memory after);

    void setPids(Path group, @Nullable Integer most);

    void setCpu(Path group, @Nullable Double cpus);

    /** A new group has no processors and no memory nodes, unless it is told. */
    void setCpuset(Path group, @Nullable String processors);

    /**
     * @throws MissingFeatureException when no I/O scheduler knows weights
     */
    void setIoWeight(Path group, int weight);

    /** A rate that is null is taken away. */
    void setIoRate(Path group, IoRate rate);

    /**
     * @param size of the pages, such as {@code 2MB}
     */
    void setHugepages(Path group, String size, @Nullable Long bytes);

    /** What the processes of a group may do with devices beside {@link DeviceRules#USUAL}. */
    void allowDevices(Path group, DeviceRules rules);

    /** Whether groups without devices of their own can share one group for devices. */
    boolean sharesDevices();

    /** The file that counts, as {@code oom_kill}, what was killed for want of memory. */
    String oomFile();

    /** The file that tells the most memory that was ever used. */
    String peakMemoryFile();

    /**
     * @param peakBytes null where nobody counts
     */
    Usage.Memory memory(Path group, @Nullable Long peakBytes, long oomKills);

    Usage.Io io(Path group);

    /** Time that the group was kept from running by its limit of cpu; null where nobody counts. */
    @Nullable Double throttledMillis(Path group);
}

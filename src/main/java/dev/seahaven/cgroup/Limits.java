package dev.seahaven.cgroup;

import org.jspecify.annotations.Nullable;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the processes of a group may use together; null and empty is without a limit.
 *
 * @param swapBytes beside the memory
 * @param cpus processors' worth of time, such as 0.5
 * @param cpuset such as {@code 0-1,3}
 * @param ioWeight 1 to 10,000; 100 is the usual
 * @param hugepageBytes by page size, such as {@code 2MB}
 * @param devices null: the usual harmless ones; else these beside them
 */
public record Limits(
        @Nullable Long memoryBytes,
        @Nullable Long swapBytes,
        @Nullable Double cpus,
        @Nullable String cpuset,
        @Nullable Integer pids,
        @Nullable Integer ioWeight,
        List<IoRate> io,
        Map<String, Long> hugepageBytes,
        @Nullable DeviceRules devices) {

    public static final Limits NONE =
            new Limits(null, null, null, null, null, null, List.of(), Map.of(), null);

    /**
     * @param device major and minor number, such as {@code 8:0}
     */
    public record IoRate(
            String device,
            @Nullable Long readBytesPerSecond,
            @Nullable Long writeBytesPerSecond,
            @Nullable Long readOperationsPerSecond,
            @Nullable Long writeOperationsPerSecond) {}

    /**
     * @param all whether every device is allowed
     */
    public record DeviceRules(boolean all, List<DeviceRule> more) {
        static final DeviceRules USUAL = new DeviceRules(false, List.of());
    }

    /**
     * @param kind {@code c} or {@code b}
     * @param minor negative for all
     * @param permissions of {@code rwm}
     */
    public record DeviceRule(char kind, int major, int minor, String permissions) {
        /** As {@code devices.allow} has it. */
        String text() {
            return kind + " " + major + ":" + (minor < 0 ? "*" : minor) + " " + permissions;
        }
    }

    /** Those that need a group of their own on v1; memory, pids and accounting have one always. */
    Set<Controller> needs() {
        Set<Controller> needs = EnumSet.noneOf(Controller.class);
        add(needs, Controller.MEMORY, memoryBytes != null || swapBytes != null);
        add(needs, Controller.PIDS, pids != null);
        add(needs, Controller.CPU, cpus != null);
        add(needs, Controller.CPUSET, cpuset != null);
        add(needs, Controller.IO, ioWeight != null || !io.isEmpty());
        add(needs, Controller.HUGETLB, !hugepageBytes.isEmpty());
        add(needs, Controller.DEVICES, devices != null);
        return needs;
    }

    private static void add(Set<Controller> to, Controller controller, boolean wanted) {
        if (wanted) {
            to.add(controller);
        }
    }
}

package dev.seahaven.mount;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What every sandbox's root has, hides and protects unless it is told otherwise. */
public final class RootDefaults {

    /**
     * The union of what Docker, Podman and containerd mask (moby daemon/pkg/oci, containers-common,
     * containerd pkg/oci).
     */
    private static final List<String> MASKED =
            List.of(
                    "/proc/acpi",
                    "/proc/asound",
                    "/proc/interrupts",
                    "/proc/kcore",
                    "/proc/keys",
                    "/proc/latency_stats",
                    "/proc/sched_debug",
                    "/proc/scsi",
                    "/proc/timer_list",
                    "/proc/timer_stats",
                    "/sys/devices/virtual/powercap",
                    "/sys/firmware",
                    "/sys/fs/selinux");

    /** The paths that are read-only by default; {@code /proc/asound} is masked. */
    public static final List<String> READ_ONLY =
            List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

    /** What a root needs for the mounts of every sandbox. */
    public static final List<String> MOUNT_POINTS = List.of("dev", "proc", "sys");

    /**
     * What the upper layer over the host's own root holds from the start: directories of inside
     * root in which new files can be made, and such that hide the host's, with no mount for any of
     * them.
     */
    public static final List<Directory> OVER_HOST =
            List.of(
                    new Directory("etc", 0755, false),
                    new Directory("var", 0755, false),
                    new Directory("root", 0700, true),
                    new Directory("home", 0755, true),
                    new Directory("run", 0755, true),
                    new Directory("tmp", 01777, true),
                    new Directory("var/tmp", 01777, true),
                    new Directory("dev", 0755, true),
                    new Directory("proc", 0555, true),
                    new Directory("sys", 0555, true));

    /**
     * @param path without a leading slash
     * @param opaque whether it hides the lower directory of that name
     */
    public record Directory(String path, int mode, boolean opaque) {}

    private RootDefaults() {}

    /**
     * Every masked path.
     *
     * @param processors how many the host may have: each has a thermal_throttle to hide
     */
    public static List<String> masked(int processors) {
        return Stream.concat(
                        MASKED.stream(),
                        IntStream.range(0, processors)
                                .mapToObj(
                                        cpu ->
                                                "/sys/devices/system/cpu/cpu"
                                                        + cpu
                                                        + "/thermal_throttle"))
                .toList();
    }
}

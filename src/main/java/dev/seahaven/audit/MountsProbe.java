package dev.seahaven.audit;

import dev.seahaven.mount.RootDefaults;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What the mounts of a process leave open. */
final class MountsProbe {

    private static final Set<String> KERNEL_FILE_SYSTEMS =
            Set.of(
                    "sysfs",
                    "debugfs",
                    "tracefs",
                    "securityfs",
                    "bpf",
                    "configfs",
                    "efivarfs",
                    "pstore",
                    "devtmpfs",
                    "binfmt_misc");

    private final ProcRoot proc;

    MountsProbe(ProcRoot proc) {
        this.proc = proc;
    }

    /** The mounts that a process sees. */
    List<MountInfo> of(int pid) {
        return proc.read(pid + "/mountinfo")
                .map(MountInfo::parse)
                .orElseThrow(
                        () ->
                                new SyscallException(
                                        "open(\"/proc/" + pid + "/mountinfo\")", Errno.ESRCH));
    }

    /**
     * Sensitive mounts that it may write to: of the kernel's file systems and, where inside root
     * may be the host's, of the host's disks.
     *
     * @param hosts that the daemon sees
     */
    List<String> writable(List<MountInfo> mounts, List<MountInfo> hosts, boolean rootMayBeHosts) {
        Set<String> disks =
                hosts.stream()
                        .map(MountInfo::source)
                        .filter(source -> source.startsWith("/dev/"))
                        .collect(Collectors.toSet());
        List<String> found = new ArrayList<>();
        for (MountInfo mount : mounts) {
            boolean kernels = KERNEL_FILE_SYSTEMS.contains(mount.fileSystem());
            // A device node alone on a file is no way to the rest of devtmpfs.
            boolean whole = !mount.fileSystem().equals("devtmpfs") || mount.root().equals("/");
            boolean files = rootMayBeHosts && disks.contains(mount.source());
            if (mount.isWritable() && ((kernels && whole) || files)) {
                found.add(mount.mountPoint() + " (" + mount.fileSystem() + ")");
            }
        }
        for (MountInfo mount : mounts) {
            String settings = writableSettings(mount, mounts);
            if (settings != null) {
                found.add(settings + " (proc)");
            }
        }
        return found;
    }

    /** Where a proc file system shows the kernel's settings writable; null where it does not. */
    private static @Nullable String writableSettings(MountInfo mount, List<MountInfo> mounts) {
        if (!mount.fileSystem().equals("proc") || !mount.isWritable()) {
            return null;
        }
        String settings = below(mount, "/sys");
        boolean protects =
                mounts.stream()
                        .anyMatch(
                                other ->
                                        other.mountPoint().equals(settings) && !other.isWritable());
        if (settings != null) {
            return protects ? null : settings;
        }
        return mount.root().startsWith("/sys") ? mount.mountPoint() : null; // and sysrq-trigger
    }

    /** Where a mount of a whole file system shows one of its files; null where it is a part. */
    private static @Nullable String below(MountInfo mount, String file) {
        if (!mount.root().equals("/")) {
            return null;
        }
        return (mount.mountPoint().equals("/") ? "" : mount.mountPoint()) + file;
    }

    /** Of the paths that are hidden or protected by default, and are there: wherever they show. */
    List<String> openKernelPaths(List<MountInfo> mounts) {
        Set<String> points = new HashSet<>();
        mounts.forEach(mount -> points.add(mount.mountPoint()));
        Set<String> open = new LinkedHashSet<>();
        for (String path : RootDefaults.masked(0)) {
            String type = path.startsWith("/proc/") ? "proc" : "sysfs";
            String file = path.substring(path.indexOf('/', 1));
            boolean there =
                    type.equals("proc")
                            ? !Files.notExists(Path.of(proc.path() + file))
                            : !Files.notExists(Path.of(path));
            mounts.stream()
                    .filter(mount -> there && mount.fileSystem().equals(type))
                    .map(mount -> below(mount, file))
                    .filter(shown -> shown != null && !points.contains(shown))
                    .forEach(open::add);
        }
        return List.copyOf(open);
    }
}

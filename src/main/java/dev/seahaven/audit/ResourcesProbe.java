package dev.seahaven.audit;

import dev.seahaven.procfs.CgroupMembership;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcLimits;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.Digits;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/** The limits of a process: its own, and those of its groups and of the groups above. */
final class ResourcesProbe {

    private static final Set<String> CGROUP_FILE_SYSTEMS = Set.of("cgroup", "cgroup2");
    private static final String UNIFIED = "unified";

    private final Syscalls syscalls;
    private final ProcRoot proc;

    ResourcesProbe(Syscalls syscalls, ProcRoot proc) {
        this.syscalls = syscalls;
        this.proc = proc;
    }

    /**
     * @param mounts that it sees
     * @param hosts that the daemon sees
     */
    Facts.Resources of(int pid, List<MountInfo> mounts, List<MountInfo> hosts) {
        Map<String, String> groups = new LinkedHashMap<>();
        String text = proc.read(pid + "/cgroup").orElseThrow(() -> gone(pid));
        for (CgroupMembership each : CgroupMembership.parse(text)) {
            groups.put(each.controllers().isEmpty() ? UNIFIED : each.controllers(), each.path());
        }
        boolean writable =
                mounts.stream()
                        .anyMatch(
                                mount ->
                                        CGROUP_FILE_SYSTEMS.contains(mount.fileSystem())
                                                && mount.isWritable());
        return new Facts.Resources(
                groups,
                writable,
                limit(hosts, groups, "memory", "memory.limit_in_bytes", "memory.max"),
                limit(hosts, groups, "pids", "pids.max", "pids.max"),
                ProcLimits.read(proc, pid)
                        .unlessGone()
                        .orElseThrow(() -> gone(pid))
                        .hard()
                        .get("nofile"));
    }

    private static SyscallException gone(int pid) {
        return new SyscallException("open(\"/proc/" + pid + "\")", Errno.ESRCH);
    }

    /** The smallest of its group and those above, as the daemon sees the hierarchies. */
    private @Nullable Long limit(
            List<MountInfo> hosts,
            Map<String, String> groups,
            String controller,
            String v1File,
            String v2File) {
        Long smallest = null;
        for (MountInfo mount : hosts) {
            boolean v1 =
                    mount.fileSystem().equals("cgroup")
                            && mount.superOptions().contains(controller);
            String path =
                    v1
                            ? groups.get(controller)
                            : mount.fileSystem().equals("cgroup2") ? groups.get(UNIFIED) : null;
            String at = path;
            while (at != null) {
                Long here = value(mount.mountPoint() + at, v1 ? v1File : v2File);
                if (here != null && (smallest == null || here < smallest)) {
                    smallest = here;
                }
                at = at.isEmpty() ? null : at.substring(0, Math.max(at.lastIndexOf('/'), 0));
            }
        }
        return smallest;
    }

    private @Nullable Long value(String group, String file) {
        return new ProcRoot(syscalls, group)
                .read(file)
                .map(String::trim)
                .map(Digits::number)
                .filter(OptionalLong::isPresent)
                .map(OptionalLong::getAsLong)
                .filter(number -> number < Long.MAX_VALUE / 2) // v1 has no word for unlimited
                .orElse(null);
    }
}

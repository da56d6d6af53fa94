package dev.seahaven.cgroup.host;

import dev.seahaven.procfs.CgroupMembership;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.List;

/**
 * What a service manager has handed to the daemon: the group on cgroup2 above the daemon's own,
 * which systemd marks with the attribute {@code user.delegate} (systemd.resource-control(5), {@code
 * Delegate=} and {@code DelegateSubgroup=}). All above it is the manager's alone.
 */
public final class Delegation {

    private static final String ATTRIBUTE = "delegate";

    private Delegation() {}

    /** Its path in the hierarchy, such as {@code /system.slice/x.service}; empty without one. */
    public static String find(ProcRoot proc, List<MountInfo> mounts) {
        return mounts.stream()
                .filter(mount -> mount.fileSystem().equals("cgroup2"))
                .findFirst()
                .map(mount -> find(proc, mount.mountPoint()))
                .orElse("");
    }

    private static String find(ProcRoot proc, String mountPoint) {
        return CgroupMembership.parse(proc.read("self/cgroup").orElse("")).stream()
                .filter(each -> each.hierarchy() == 0)
                .map(each -> Path.of(each.path()).getParent())
                .filter(above -> isDelegated(mountPoint, above))
                .map(Path::toString)
                .findFirst()
                .orElse("");
    }

    private static boolean isDelegated(String mountPoint, @Nullable Path group) {
        if (group == null || group.getNameCount() == 0) {
            return false;
        }
        UserDefinedFileAttributeView attributes =
                Files.getFileAttributeView(
                        Path.of(mountPoint + group), UserDefinedFileAttributeView.class);
        try {
            return attributes != null && attributes.list().contains(ATTRIBUTE);
        } catch (IOException e) {
            return false; // of another cgroup namespace, or without such attributes
        }
    }
}

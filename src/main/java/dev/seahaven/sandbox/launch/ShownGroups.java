package dev.seahaven.sandbox.launch;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.claim.Claims;
import dev.seahaven.launcher.LaunchPlan.Attachment;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.Syscalls;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Shows a sandbox its own control group at {@code /sys/fs/cgroup}, read-only: that is where a JVM,
 * node and Go look for their limits. Groups of cgroup2 are mounted there as they are; those of v1
 * below a directory with a place for each hierarchy, for sysfs has none.
 */
final class ShownGroups {

    private static final String PLACE = "/sys/fs/cgroup";

    private final Syscalls syscalls;
    private final Cgroups cgroups;
    private final String places;

    /**
     * @param runDirectory in which the directory of the places is made
     */
    ShownGroups(Syscalls syscalls, Cgroups cgroups, Path runDirectory) {
        this.syscalls = syscalls;
        this.cgroups = cgroups;
        this.places = runDirectory.resolve("cgroup").toString();
    }

    void prepare() {
        make(places);
        cgroups.shownOfV1().forEach(name -> make(places + "/" + name));
    }

    /** Everybody inside may look, whatever the daemon's umask. */
    private void make(String directory) {
        FileCalls.makeDirectory(syscalls, directory, 0755);
        syscalls.chmod(directory, 0755);
    }

    /** What is mounted for a group, each above what comes after it. */
    List<Attachment> of(Cgroup cgroup, Claims descriptors) {
        List<Attachment> attachments = new ArrayList<>();
        for (Cgroup.Shown shown : cgroup.shown()) {
            if (!shown.place().isEmpty() && attachments.isEmpty()) {
                attachments.add(attachment(places, PLACE, descriptors));
            }
            String target = shown.place().isEmpty() ? PLACE : PLACE + "/" + shown.place();
            attachments.add(attachment(shown.directory().toString(), target, descriptors));
        }
        return attachments;
    }

    private Attachment attachment(String directory, String target, Claims descriptors) {
        return attachment(syscalls, directory, target, descriptors);
    }

    /** A copy of what is mounted somewhere on the host. */
    static Attachment attachment(
            Syscalls syscalls, String path, String target, Claims descriptors) {
        Fd tree =
                descriptors.opened(syscalls.openTree(Fd.AT_FDCWD, path, Syscalls.OPEN_TREE_CLONE));
        return new Attachment(tree, target);
    }
}

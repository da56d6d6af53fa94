package dev.seahaven.sandbox.launch;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.host.Cgroups;
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
    private final String frame;

    /**
     * @param runDirectory in which the directory with their places is made
     */
    ShownGroups(Syscalls syscalls, Cgroups cgroups, Path runDirectory) {
        this.syscalls = syscalls;
        this.cgroups = cgroups;
        this.frame = runDirectory.resolve("cgroup").toString();
    }

    void prepare() {
        make(frame);
        cgroups.shownOfV1().forEach(name -> make(frame + "/" + name));
    }

    /** Everybody inside may look, whatever the daemon's umask. */
    private void make(String directory) {
        FileCalls.makeDirectory(syscalls, directory, 0755);
        syscalls.chmod(directory, 0755);
    }

    /**
     * What is to be mounted.
     *
     * @param of a directory of the host
     * @param target inside
     */
    record Place(String of, String target) {}

    /** What is mounted for a group, each above what comes after it. */
    List<Place> of(Cgroup cgroup) {
        List<Place> places = new ArrayList<>();
        for (Cgroup.Shown shown : cgroup.shown()) {
            if (!shown.place().isEmpty() && places.isEmpty()) {
                places.add(new Place(frame, PLACE));
            }
            String target = shown.place().isEmpty() ? PLACE : PLACE + "/" + shown.place();
            places.add(new Place(shown.directory().toString(), target));
        }
        return places;
    }
}

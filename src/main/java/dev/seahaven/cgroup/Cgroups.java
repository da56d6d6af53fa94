package dev.seahaven.cgroup;

import dev.seahaven.procfs.MountInfo;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The daemon's own part of the host's cgroup hierarchies: one group, and below it one for each
 * sandbox.
 */
public final class Cgroups {

    /** The hierarchy that freezes and kills. */
    public enum Version {
        /** Neither is mounted: the daemon does not start. */
        NONE,
        V1,
        V2
    }

    private final Syscalls syscalls;
    private final GroupFiles files;
    private final Version version;
    private final Path parent;
    private final String pathOfParent;
    private final String name;
    private final Hierarchies hierarchies;
    private final RunGroups runs = new RunGroups(this);
    private @Nullable Fd lock;

    private Cgroups(
            Syscalls syscalls,
            Version version,
            Path parent,
            String pathOfParent,
            String name,
            List<MountInfo> mounts) {
        this.syscalls = syscalls;
        this.files = new GroupFiles(syscalls);
        this.version = version;
        this.parent = parent;
        this.pathOfParent = pathOfParent;
        this.name = name;
        this.hierarchies =
                new Hierarchies(syscalls, mounts, version == Version.V2 ? parent : null, name);
    }

    /**
     * Finds the cgroup2 hierarchy, also one without controllers beside v1, or the v1 freezer where
     * there is none.
     *
     * @param name of the daemon's group, such as {@code seahaven}
     * @param delegated the group on cgroup2 below which the daemon's is made; empty for the root
     */
    public static Cgroups detect(
            Syscalls syscalls, List<MountInfo> mounts, String name, String delegated) {
        for (MountInfo mount : mounts) {
            if (mount.fileSystem().equals("cgroup2")) {
                Path parent = Path.of(mount.mountPoint() + delegated);
                return new Cgroups(syscalls, Version.V2, parent, delegated, name, mounts);
            }
        }
        for (MountInfo mount : mounts) {
            if (mount.fileSystem().equals("cgroup") && mount.superOptions().contains("freezer")) {
                Path parent = Path.of(mount.mountPoint());
                return new Cgroups(syscalls, Version.V1, parent, "", name, mounts);
            }
        }
        return new Cgroups(syscalls, Version.NONE, Path.of("/"), "", name, mounts);
    }

    public Version version() {
        return version;
    }

    /** The directory of the daemon's group. */
    public Path directory() {
        return parent.resolve(name);
    }

    /**
     * Takes the daemon's group, which is made on every hierarchy where it is not there.
     *
     * @return false when another daemon has it; then nothing is changed
     */
    public boolean prepare() {
        files.mkdir(directory());
        Fd own = files.open(directory());
        if (!syscalls.tryFlock(own)) {
            own.close();
            return false;
        }
        lock = own;
        hierarchies.prepare();
        return true;
    }

    /** Groups for runs. */
    public RunGroups runs() {
        return runs;
    }

    /** Whether limits of a controller can be set; known when all is prepared. */
    public boolean has(Controller controller) {
        return hierarchies.has(controller);
    }

    /** {@code v2}, {@code v1} or {@code none} for each controller. */
    public Map<String, String> controllers() {
        return hierarchies.versions();
    }

    /** What all sandboxes use together. */
    public Usage usage() {
        return new Resources(files, hierarchies, ".", directory()).usage();
    }

    /** Gives the daemon's group back, and removes it if no sandbox is left in it. */
    public void release() {
        if (lock == null) {
            return;
        }
        runs.close();
        hierarchies.release();
        files.tryRemove(directory());
        lock.close();
        lock = null;
    }

    /** Makes the group of a sandbox. */
    public Cgroup create(String id) {
        Cgroup cgroup = of(id);
        syscalls.mkdir(directory().resolve(id).toString(), 0755);
        return cgroup;
    }

    /** The group of a sandbox that has been made before. */
    public Cgroup of(String id) {
        Path directory = directory().resolve(id);
        String path = pathOfParent + "/" + name + "/" + id;
        Resources resources = new Resources(files, hierarchies, id, directory);
        return switch (version) {
            case V2 -> new V2Cgroup(files, directory, path, resources);
            case V1 -> new V1Cgroup(syscalls, files, directory, path, resources);
            case NONE -> throw new IllegalStateException("no cgroup hierarchy is mounted");
        };
    }

    /** The names of all groups below the daemon's. */
    public List<String> children() {
        return subdirectories(directory());
    }

    static List<String> subdirectories(Path directory) {
        File[] entries = directory.toFile().listFiles(File::isDirectory);
        return entries == null
                ? List.of()
                : Arrays.stream(entries).map(File::getName).sorted().toList();
    }
}

package dev.seahaven.cgroup.host;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Controller;
import dev.seahaven.cgroup.Freezer;
import dev.seahaven.cgroup.GroupFiles;
import dev.seahaven.cgroup.Usage;
import dev.seahaven.cgroup.v1.V1Freezer;
import dev.seahaven.cgroup.v2.V2Freezer;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The daemon's own part of the host's cgroup hierarchies: one group, and below it one for each
 * sandbox.
 */
public final class Cgroups {

    /** How long the launcher's last processes may take. */
    private static final Duration LAST = Duration.ofSeconds(2);

    /** How the name of a group begins that is nobody's, and removed when all in it have ended. */
    public static final String OUTLIVES = "detached-";

    private static final String V1 = "v1";
    private static final String V2 = "v2";

    private final Syscalls syscalls;
    private final GroupFiles files;
    private final @Nullable Base base;
    private final String name;
    private final boolean hasV1;
    private final Hierarchies hierarchies;
    private final RunGroups runs = new RunGroups(this::create);
    private @Nullable Fd lock;

    /**
     * The hierarchy that freezes and kills.
     *
     * @param parent the group below which the daemon's is made
     * @param path of that group below the root of the hierarchy
     * @param freezer of a group on it
     */
    private record Base(
            String version, Path parent, String path, Function<Path, Freezer> freezer) {}

    private Cgroups(Syscalls syscalls, @Nullable Base base, String name, List<MountInfo> mounts) {
        this.syscalls = syscalls;
        this.files = new GroupFiles(syscalls);
        this.base = base;
        this.name = name;
        this.hasV1 = mounts.stream().anyMatch(mount -> mount.fileSystem().equals("cgroup"));
        this.hierarchies =
                new Hierarchies(syscalls, mounts, parent(base, V2), parent(base, V1), name);
    }

    private static @Nullable Path parent(@Nullable Base base, String version) {
        return base != null && base.version.equals(version) ? base.parent : null;
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
        GroupFiles files = new GroupFiles(syscalls);
        for (MountInfo mount : mounts) {
            if (mount.fileSystem().equals("cgroup2")) {
                Path parent = Path.of(mount.mountPoint() + delegated);
                Base base = new Base(V2, parent, delegated, group -> new V2Freezer(files, group));
                return new Cgroups(syscalls, base, name, mounts);
            }
        }
        for (MountInfo mount : mounts) {
            if (mount.fileSystem().equals("cgroup") && mount.superOptions().contains("freezer")) {
                Path parent = Path.of(mount.mountPoint());
                Base base =
                        new Base(V1, parent, "", group -> new V1Freezer(syscalls, files, group));
                return new Cgroups(syscalls, base, name, mounts);
            }
        }
        return new Cgroups(syscalls, null, name, mounts);
    }

    private Base base() {
        if (base == null) {
            throw new IllegalStateException("no cgroup hierarchy is mounted");
        }
        return base;
    }

    /** Whether there is a hierarchy that freezes and kills; without one the daemon cannot work. */
    public boolean isUsable() {
        return base != null;
    }

    /** Whether that is cgroup2. */
    public boolean isUnified() {
        return base != null && base.version.equals(V2);
    }

    /**
     * {@code v2}, {@code v1}, {@code hybrid} (controllers on v1 beside cgroup2) or {@code none}.
     */
    public String description() {
        if (base == null) {
            return "none";
        }
        return isUnified() && hasV1 ? "hybrid" : base.version;
    }

    /** The directory of the daemon's group. */
    public Path directory() {
        return base().parent.resolve(name);
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

    /** The v1 hierarchies that sandboxes see their groups of ({@link Cgroup#shown}), by name. */
    public List<String> shownOfV1() {
        return hierarchies.shownOfV1().stream().map(Hierarchy::name).toList();
    }

    /**
     * The groups without limits that every process of a sandbox is to begin in: which of its own it
     * enters then, its limits tell.
     */
    public List<Path> inherited() {
        return hierarchies.inherited().stream().map(Hierarchy::unlimited).toList();
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
        hierarchies.release(children().isEmpty() ? LAST : Duration.ZERO);
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
        return new HostCgroup(
                files,
                directory,
                base().path + "/" + name + "/" + id,
                base().freezer,
                new Resources(files, hierarchies, id, directory));
    }

    /** Removes what no process is in any more of those that outlive the daemon. */
    public void removeEmptyThatOutlive() {
        children().stream().filter(Cgroups::outlives).map(this::of).forEach(Cgroup::removeIfEmpty);
    }

    /** Whether the next daemon is to leave a group as it is while something is in it. */
    public static boolean outlives(String group) {
        return group.startsWith(OUTLIVES);
    }

    /** The names of all groups below the daemon's. */
    public List<String> children() {
        return GroupFiles.subdirectories(directory());
    }
}

package dev.seahaven.cgroup.host;

import dev.seahaven.cgroup.Controller;
import dev.seahaven.cgroup.DeviceRules;
import dev.seahaven.cgroup.GroupFiles;
import dev.seahaven.cgroup.MissingFeatureException;
import dev.seahaven.cgroup.v1.V1Dialect;
import dev.seahaven.cgroup.v2.DeviceFilters;
import dev.seahaven.cgroup.v2.V2Dialect;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which hierarchy of the host has each controller: a v1 one, or cgroup2, or none; and the daemon's
 * own group on each.
 */
final class Hierarchies {

    private static final Logger LOG = System.getLogger(Hierarchies.class.getName());
    private static final String DEFAULT_DEVICES = "default-devices";

    /** What programs inside look for. */
    private static final List<Controller> SHOWN =
            List.of(
                    Controller.MEMORY,
                    Controller.CPU,
                    Controller.CPUACCT,
                    Controller.CPUSET,
                    Controller.PIDS);

    /** Of which every sandbox has a group of its own. */
    static final Set<Controller> ALWAYS = EnumSet.of(Controller.MEMORY, Controller.PIDS);

    private final GroupFiles files;
    private final DeviceFilters filters;
    private final @Nullable Hierarchy unified;

    /** Those of v1 are known from the mounts, those of cgroup2 when they were handed down. */
    private final Map<Controller, Hierarchy> v1 = new EnumMap<>(Controller.class);

    private volatile Map<Controller, Hierarchy> byController;

    /**
     * @param unified where the daemon's group on cgroup2 is made; null without cgroup2
     * @param base the mount point of the v1 freezer where that freezes and kills; else null
     * @param name of the daemon's group
     */
    Hierarchies(
            Syscalls syscalls,
            List<MountInfo> mounts,
            @Nullable Path unified,
            @Nullable Path base,
            String name) {
        this.files = new GroupFiles(syscalls);
        this.filters = new DeviceFilters(syscalls);
        this.unified =
                unified == null
                        ? null
                        : new Hierarchy(
                                unified,
                                unified.resolve(name),
                                new V2Dialect(files, filters),
                                base == null);
        for (MountInfo mount : mounts) {
            if (!mount.fileSystem().equals("cgroup")) {
                continue;
            }
            Path point = Path.of(mount.mountPoint());
            Hierarchy hierarchy =
                    new Hierarchy(
                            point, point.resolve(name), new V1Dialect(files), point.equals(base));
            for (Controller each : Controller.values()) {
                if (mount.superOptions().contains(each.v1Name())) {
                    v1.putIfAbsent(each, hierarchy);
                }
            }
        }
        this.byController = Map.copyOf(v1);
    }

    /** The one that has a controller, if any has. */
    Optional<Hierarchy> of(Controller controller) {
        return Optional.ofNullable(byController.get(controller));
    }

    boolean has(Controller controller) {
        return byController.containsKey(controller);
    }

    /**
     * The one that has a controller.
     *
     * @throws MissingFeatureException where none has it
     */
    Hierarchy require(Controller controller) {
        return of(controller)
                .orElseThrow(
                        () ->
                                new MissingFeatureException(
                                        "cgroup-" + controller,
                                        "No cgroup hierarchy of this host has the controller "
                                                + controller
                                                + "."));
    }

    /** Whether a group tells the time of its processes without a controller, as on cgroup2. */
    boolean accountsByItself() {
        return unified != null;
    }

    /**
     * The v1 hierarchies by which a process finds its limits; none where cgroup2 tells them. The
     * JVM wants all of memory, cpu, cpuacct and cpuset, or takes the host's.
     */
    List<Hierarchy> shownOfV1() {
        return SHOWN.stream()
                .flatMap(each -> Optional.ofNullable(v1.get(each)).stream())
                .distinct()
                .toList();
    }

    /** Those of them on which a sandbox may have no group of its own. */
    List<Hierarchy> inherited() {
        return shownOfV1().stream()
                .filter(each -> !each.base())
                .filter(each -> ALWAYS.stream().noneMatch(all -> each.equals(v1.get(all))))
                .toList();
    }

    /** Which version has each controller, or {@code none}. */
    Map<String, String> versions() {
        Map<String, String> versions = new LinkedHashMap<>();
        for (Controller each : Controller.values()) {
            versions.put(
                    each.toString(), of(each).map(has -> has.dialect().version()).orElse("none"));
        }
        return versions;
    }

    /** Makes the daemon's group on each v1 hierarchy, and hands the controllers of cgroup2 down. */
    void prepare() {
        for (Hierarchy each : new LinkedHashSet<>(v1.values())) {
            if (files.mkdir(each.own()) && each.equals(v1.get(Controller.CPUSET))) {
                each.dialect().setCpuset(each.own(), null);
            }
        }
        Map<Controller, Hierarchy> all = new EnumMap<>(Controller.class);
        all.putAll(v1);
        if (unified != null) {
            handDown(unified, all);
        }
        byController = Map.copyOf(all);
        for (Hierarchy each : inherited()) {
            if (files.mkdir(each.unlimited()) && each.equals(v1.get(Controller.CPUSET))) {
                each.dialect().setCpuset(each.unlimited(), null);
            }
        }
        sharedDevices()
                .ifPresent(
                        group -> {
                            files.mkdir(group);
                            require(Controller.DEVICES)
                                    .dialect()
                                    .allowDevices(group, DeviceRules.USUAL);
                        });
    }

    private void handDown(Hierarchy to, Map<Controller, Hierarchy> all) {
        for (Controller each : Controller.values()) {
            if (all.containsKey(each) || each.v2Name().isEmpty()) {
                continue;
            }
            try {
                files.write(to.mountPoint(), "cgroup.subtree_control", "+" + each.v2Name());
                files.write(to.own(), "cgroup.subtree_control", "+" + each.v2Name());
                all.put(each, to);
            } catch (SyscallException e) {
                // It is not there (ENOENT, EINVAL) or somebody else's (EBUSY): has() tells.
                LOG.log(Level.DEBUG, "controller {0}: {1}", each, e.getMessage());
            }
        }
        if (!all.containsKey(Controller.DEVICES) && filters.isPossible()) {
            all.put(Controller.DEVICES, to);
        }
    }

    /**
     * Removes the daemon's groups on v1 hierarchies, as far as no sandbox is left in them.
     *
     * @param wait for processes of the launcher, which are about to end
     */
    void release(Duration wait) {
        sharedDevices().ifPresent(files::tryRemove);
        inherited()
                .forEach(each -> GroupFiles.await(wait, () -> files.tryRemove(each.unlimited())));
        Set<Hierarchy> all = new LinkedHashSet<>(v1.values());
        all.forEach(each -> files.tryRemove(each.own()));
    }

    /** The group of all sandboxes without devices of their own, where groups can share one. */
    Optional<Path> sharedDevices() {
        return of(Controller.DEVICES)
                .filter(has -> has.dialect().sharesDevices())
                .map(has -> has.group(DEFAULT_DEVICES));
    }
}

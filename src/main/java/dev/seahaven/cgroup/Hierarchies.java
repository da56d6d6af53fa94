package dev.seahaven.cgroup;

import dev.seahaven.cgroup.Limits.DeviceRule;
import dev.seahaven.cgroup.Limits.DeviceRules;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Where each controller of the host is: on cgroup2, or on a v1 hierarchy, or nowhere; and the
 * daemon's own group on each.
 */
final class Hierarchies {

    /** What every sandbox may use: null, zero, full, random, urandom, tty, terminals. */
    private static final List<DeviceRule> USUAL =
            List.of(
                    new DeviceRule('c', 1, 3, "rwm"),
                    new DeviceRule('c', 1, 5, "rwm"),
                    new DeviceRule('c', 1, 7, "rwm"),
                    new DeviceRule('c', 1, 8, "rwm"),
                    new DeviceRule('c', 1, 9, "rwm"),
                    new DeviceRule('c', 5, 0, "rwm"),
                    new DeviceRule('c', 5, 2, "rwm"),
                    new DeviceRule('c', 136, -1, "rwm"));

    private static final String DEFAULT_DEVICES = "default-devices";

    private final GroupFiles files;
    private final Map<Controller, Path> v1 = new EnumMap<>(Controller.class);
    private final @Nullable Path unified;
    private final String name;
    private volatile Set<Controller> onUnified = Set.of();
    private final DeviceFilters filters;

    Hierarchies(Syscalls syscalls, List<MountInfo> mounts, @Nullable Path unified, String name) {
        this.files = new GroupFiles(syscalls);
        this.unified = unified;
        this.name = name;
        this.filters = new DeviceFilters(syscalls);
        for (MountInfo mount : mounts) {
            if (!mount.fileSystem().equals("cgroup")) {
                continue;
            }
            for (Controller each : Controller.values()) {
                if (mount.superOptions().contains(each.v1Name())) {
                    v1.putIfAbsent(each, Path.of(mount.mountPoint()));
                }
            }
        }
    }

    /** Where cgroup2 is mounted, with or without controllers. */
    @Nullable Path unified() {
        return unified;
    }

    boolean isV1(Controller controller) {
        return v1.containsKey(controller);
    }

    boolean has(Controller controller) {
        return isV1(controller) || onUnified.contains(controller);
    }

    /** The daemon's group on the hierarchy that has the controller. */
    Path directory(Controller controller) {
        Path mountPoint = v1.get(controller);
        if (mountPoint == null) {
            mountPoint = unified;
        }
        if (mountPoint == null) {
            throw new IllegalStateException("no hierarchy has " + controller);
        }
        return mountPoint.resolve(name);
    }

    /**
     * @throws MissingFeatureException where no hierarchy has it
     */
    void require(Controller controller) {
        if (!has(controller)) {
            throw new MissingFeatureException(
                    "cgroup-" + controller,
                    "No cgroup hierarchy of this host has the controller " + controller + ".");
        }
    }

    /** Which version has each controller, for those that there are. */
    Map<String, String> versions() {
        Map<String, String> versions = new LinkedHashMap<>();
        for (Controller each : Controller.values()) {
            versions.put(each.toString(), isV1(each) ? "v1" : has(each) ? "v2" : "none");
        }
        return versions;
    }

    /** Makes the daemon's group on each v1 hierarchy, and hands the controllers of cgroup2 down. */
    void prepare() {
        for (Path mountPoint : new LinkedHashSet<>(v1.values())) {
            if (files.mkdir(mountPoint.resolve(name))
                    && mountPoint.equals(v1.get(Controller.CPUSET))) {
                inheritCpuset(mountPoint.resolve(name));
            }
        }
        if (v1.containsKey(Controller.DEVICES)) {
            files.mkdir(defaultDevices());
            allowDevices(defaultDevices(), DeviceRules.USUAL);
        }
        if (unified != null) {
            handDown(unified);
        }
    }

    private void handDown(Path root) {
        Path own = root.resolve(name);
        Set<Controller> enabled = EnumSet.noneOf(Controller.class);
        for (Controller each : Controller.values()) {
            if (isV1(each) || each.v2Name().isEmpty()) {
                continue;
            }
            try {
                files.write(root, "cgroup.subtree_control", "+" + each.v2Name());
                files.write(own, "cgroup.subtree_control", "+" + each.v2Name());
                enabled.add(each);
            } catch (SyscallException e) {
                // It is not there, or is somebody else's: has() tells.
            }
        }
        if (!isV1(Controller.DEVICES) && filters.isPossible()) {
            enabled.add(Controller.DEVICES);
        }
        onUnified = enabled;
    }

    /** Removes the daemon's groups on v1 hierarchies, as far as no sandbox is left in them. */
    void release() {
        if (v1.containsKey(Controller.DEVICES)) {
            files.tryRemove(defaultDevices());
        }
        new LinkedHashSet<>(v1.values()).forEach(each -> files.tryRemove(each.resolve(name)));
    }

    /** A new group has no processors and no memory nodes, unless it is told. */
    void inheritCpuset(Path group) {
        if (!isV1(Controller.CPUSET)) {
            files.write(group, "cpuset.cpus", "\n");
            return;
        }
        Path parent = Objects.requireNonNull(group.getParent());
        for (String file : List.of("cpuset.cpus", "cpuset.mems")) {
            files.write(group, file, files.read(parent, file));
        }
    }

    // ---------------------------------------------------------------- devices

    /** On v1, the group of all sandboxes without devices of their own. */
    Path defaultDevices() {
        return directory(Controller.DEVICES).resolve(DEFAULT_DEVICES);
    }

    /** Whether each group has to be told what it may use, and cannot be told twice. */
    boolean filtersDevices() {
        return has(Controller.DEVICES) && !isV1(Controller.DEVICES);
    }

    void allowDevices(Path group, DeviceRules rules) {
        List<DeviceRule> allowed = new ArrayList<>(USUAL);
        allowed.addAll(rules.more());
        if (!isV1(Controller.DEVICES)) {
            if (!rules.all()) {
                attachFilter(group, allowed);
            }
            return;
        }
        files.write(group, rules.all() ? "devices.allow" : "devices.deny", "a");
        if (!rules.all()) {
            allowed.forEach(each -> files.write(group, "devices.allow", each.text()));
        }
    }

    private void attachFilter(Path group, List<DeviceRule> allowed) {
        try (Fd directory = files.open(group)) {
            filters.attach(directory, allowed);
        }
    }
}

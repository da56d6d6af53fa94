package dev.seahaven.system;

import dev.seahaven.cgroup.Cgroups;
import dev.seahaven.cgroup.Controller;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.seccomp.SeccompCompiler;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Looks what this kernel and host have, by trying and by reading; nothing is assumed from a
 * version.
 */
public final class KernelProbe {

    private static final int SYS_PIDFD_SEND_SIGNAL = 424;
    private static final int SYS_OPEN_TREE = 428;
    private static final int SYS_MOVE_MOUNT = 429;
    private static final int SYS_FSOPEN = 430;
    private static final int SYS_PIDFD_OPEN = 434;
    private static final int SYS_CLONE3 = 435;
    private static final int SYS_CLOSE_RANGE = 436;
    private static final int SYS_OPENAT2 = 437;
    private static final int SYS_MOUNT_SETATTR = 442;
    private static final int SYS_STATMOUNT = 457;
    private static final int SYS_LISTNS = 470;
    private static final int CAP_SYS_ADMIN = 21;
    private static final int CAP_SYS_RESOURCE = 24;

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final Cgroups cgroups;

    public KernelProbe(Syscalls syscalls, ProcRoot proc, Cgroups cgroups) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.cgroups = cgroups;
    }

    List<KernelFeature> features() {
        List<KernelFeature> features = new ArrayList<>();
        call(features, "clone3", SYS_CLONE3, "no sandbox can be launched (Linux 5.3)");
        call(features, "pidfd_open", SYS_PIDFD_OPEN, "processes cannot be held (Linux 5.3)");
        call(
                features,
                "pidfd_send_signal",
                SYS_PIDFD_SEND_SIGNAL,
                "processes cannot be ended safely (Linux 5.1)");
        call(features, "openat2", SYS_OPENAT2, "paths cannot be resolved safely (Linux 5.6)");
        call(
                features,
                "close_range",
                SYS_CLOSE_RANGE,
                "descriptors cannot be closed for certain (Linux 5.9)");
        call(features, "open_tree", SYS_OPEN_TREE, "no root can be built (Linux 5.2)");
        call(features, "move_mount", SYS_MOVE_MOUNT, "no root can be built (Linux 5.2)");
        call(features, "fsopen", SYS_FSOPEN, "no root can be built (Linux 5.2)");
        call(
                features,
                "mount_setattr",
                SYS_MOUNT_SETATTR,
                "no root can be protected or id-mapped (Linux 5.12)");
        for (String type : List.of("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")) {
            features.add(
                    new KernelFeature(
                            "namespace-" + type,
                            proc.readLink("thread-self/ns/" + type).isPresent(),
                            !type.equals("time"),
                            type + " namespaces cannot be made"));
        }
        fileSystem(features, "overlay", "a sandbox without rootfs, or with an ephemeral one");
        fileSystem(features, "tmpfs", "/dev and the writable layer of runs");
        fileSystem(features, "devpts", "/dev/pts");
        fileSystem(features, "mqueue", "/dev/mqueue");
        features.add(
                new KernelFeature(
                        "cgroup-v2",
                        cgroups.version() == Cgroups.Version.V2,
                        false,
                        "the freezer of cgroup v1 is used, where there is one"));
        features.add(
                new KernelFeature(
                        "cgroup",
                        cgroups.version() != Cgroups.Version.NONE,
                        true,
                        "processes of a sandbox cannot be told from others: no cgroup2 and no v1"
                                + " freezer is mounted"));
        features.add(
                new KernelFeature(
                        "proc-pidns",
                        hasProcPidns(),
                        false,
                        "a process more is started for each sandbox to mount proc (Linux 6.17)"));
        features.add(
                new KernelFeature(
                        "pidfd-exit-info",
                        hasPidfdInfo(),
                        false,
                        "the exit status is unknown when a monitor is killed (Linux 6.15)"));
        call(
                features,
                "statmount",
                SYS_STATMOUNT,
                false,
                "bind mounts of namespaces are not found in mount namespaces that no process is"
                        + " in (Linux 6.8, and 6.12 to list those)");
        call(
                features,
                "listns",
                SYS_LISTNS,
                false,
                "namespaces are found through what holds them (Linux 6.19)");
        features.add(
                new KernelFeature(
                        "libseccomp",
                        SeccompCompiler.isPossible(),
                        false,
                        "no system call filter but \"unconfined\" (try: apt-get install"
                                + " libseccomp2)"));
        int landlock = syscalls.landlockAbi();
        features.add(
                new KernelFeature(
                        "landlock",
                        landlock > 0,
                        false,
                        "security.landlock is refused (Linux 5.13, and lsm=landlock)"));
        features.add(
                new KernelFeature(
                        "landlock-net",
                        landlock >= 4,
                        false,
                        "security.landlock knows no ports (Linux 6.7)"));
        features.add(
                new KernelFeature(
                        "landlock-scopes",
                        landlock >= 6,
                        false,
                        "on the host's network its abstract sockets are within reach (Linux"
                                + " 6.12)"));
        for (Controller each : Controller.values()) {
            features.add(
                    new KernelFeature(
                            "cgroup-" + each,
                            cgroups.has(each),
                            false,
                            "what " + each + " limits or counts is refused, or not told"));
        }
        capability(features, "CAP_SYS_ADMIN", CAP_SYS_ADMIN, true, "nothing works");
        capability(
                features,
                "CAP_SYS_RESOURCE",
                CAP_SYS_RESOURCE,
                false,
                "hard limits of resources cannot be raised, nor oom_score_adj lowered");
        return List.copyOf(features);
    }

    /** What is missing without which the daemon cannot work. */
    public List<String> missingEssentials() {
        List<String> missing = new ArrayList<>();
        if (syscalls.geteuid() != 0) {
            missing.add("root: the daemon must run as uid 0 (try sudo)");
        }
        features().stream()
                .filter(feature -> feature.essential() && !feature.present())
                .forEach(feature -> missing.add(feature.name() + ": " + feature.without()));
        return missing;
    }

    private void call(List<KernelFeature> features, String name, int number, String without) {
        call(features, name, number, true, without);
    }

    private void call(
            List<KernelFeature> features,
            String name,
            int number,
            boolean essential,
            String without) {
        features.add(new KernelFeature(name, syscalls.knows(number), essential, without));
    }

    private void fileSystem(List<KernelFeature> features, String name, String use) {
        features.add(
                new KernelFeature(
                        "filesystem-" + name,
                        syscalls.knowsFileSystem(name),
                        true,
                        use + " (try: modprobe " + name + ")"));
    }

    private void capability(
            List<KernelFeature> features,
            String name,
            int number,
            boolean essential,
            String without) {
        features.add(
                new KernelFeature(
                        name,
                        Boolean.TRUE.equals(syscalls.capabilityInBoundingSet(number)),
                        essential,
                        without));
    }

    private boolean hasProcPidns() {
        return syscalls.fileSystemHasOption("proc", "pidns", proc.path() + "/thread-self/ns/pid");
    }

    private boolean hasPidfdInfo() {
        try (PidFd self = syscalls.pidfdOpen((int) ProcessHandle.current().pid())) {
            return syscalls.knowsPidfdExitInfo(self);
        } catch (SyscallException e) {
            return false;
        }
    }

    String kernelRelease() {
        return proc.read("sys/kernel/osrelease").map(String::trim).orElse("unknown");
    }

    /** Which version of cgroups limits what, for {@code GET /system}. */
    Map<String, String> controllers() {
        return cgroups.controllers();
    }

    /** How the host's cgroups are used, for {@code GET /system}. */
    String cgroupVersion() {
        boolean v1 =
                MountInfo.read(proc).stream()
                        .anyMatch(mount -> mount.fileSystem().equals("cgroup"));
        return switch (cgroups.version()) {
            case NONE -> "none";
            case V1 -> "v1";
            case V2 -> v1 ? "hybrid" : "v2";
        };
    }
}

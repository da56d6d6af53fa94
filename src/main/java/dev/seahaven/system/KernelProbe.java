package dev.seahaven.system;

import dev.seahaven.cgroup.Cgroups;
import dev.seahaven.cgroup.Controller;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.seccomp.SeccompCompiler;
import dev.seahaven.syscall.Capability;
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
        features.addAll(capabilities());
        return List.copyOf(features);
    }

    /** Those of the daemon itself: root in a container does not have them all. */
    private List<KernelFeature> capabilities() {
        List<KernelFeature> features = new ArrayList<>();
        long own = ProcStatus.ownCapabilities(proc);
        capability(features, own, Capability.SYS_ADMIN, true, "no namespace can be made");
        capability(
                features,
                own,
                Capability.SYS_PTRACE,
                true,
                "namespaces of processes with another user namespace cannot be opened");
        capability(features, own, Capability.SETUID, true, "no map of user ids can be written");
        capability(features, own, Capability.SETGID, true, "no map of group ids can be written");
        capability(
                features,
                own,
                Capability.CHOWN,
                true,
                "output and writable layers cannot be given to a sandbox");
        capability(
                features,
                own,
                Capability.DAC_OVERRIDE,
                true,
                "nothing can be made in directories of others, cgroups among them");
        capability(
                features,
                own,
                Capability.NET_ADMIN,
                false,
                "no named network namespace can be made");
        capability(
                features,
                own,
                Capability.SYS_CHROOT,
                false,
                "mount namespaces cannot be entered: exec in namespaces");
        capability(
                features,
                own,
                Capability.SETPCAP,
                false,
                "the bounding set cannot be cut: exec in namespaces");
        capability(
                features,
                own,
                Capability.SYS_RESOURCE,
                false,
                "hard limits of resources cannot be raised, nor oom_score_adj lowered");
        return features;
    }

    /** What is missing without which the daemon cannot work. */
    public List<String> missingEssentials() {
        if (syscalls.geteuid() != 0) {
            return List.of("root: the daemon must run as uid 0 (try sudo)");
        }
        // The kernel tells what it has to who may use it.
        List<String> missing = missing(capabilities());
        return missing.isEmpty() ? missing(features()) : missing;
    }

    private static List<String> missing(List<KernelFeature> features) {
        return features.stream()
                .filter(feature -> feature.essential() && !feature.present())
                .map(feature -> feature.name() + ": " + feature.without())
                .toList();
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

    private static void capability(
            List<KernelFeature> features,
            long own,
            Capability capability,
            boolean essential,
            String without) {
        features.add(
                new KernelFeature(
                        "CAP_" + capability.name(),
                        (own & capability.mask()) != 0,
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

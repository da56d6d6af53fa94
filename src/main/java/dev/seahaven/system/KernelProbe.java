package dev.seahaven.system;

import dev.seahaven.cgroup.Controller;
import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.seccomp.SeccompCompiler;
import dev.seahaven.syscall.Capability;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.SyscallNumber;
import dev.seahaven.syscall.Syscalls;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Looks what this kernel and host have, by trying and by reading; nothing is assumed from a
 * version.
 */
public final class KernelProbe {

    /** Without it the daemon refuses to start. */
    private static final boolean ESSENTIAL = true;

    /** Without it the daemon does less. */
    private static final boolean OPTIONAL = false;

    private record Row(
            String name, boolean essential, Predicate<KernelProbe> present, String without) {

        private KernelFeature of(KernelProbe probe) {
            return new KernelFeature(name, present.test(probe), essential, without);
        }
    }

    private static final List<Row> CALLS =
            List.of(
                    call(
                            "clone3",
                            SyscallNumber.CLONE3,
                            ESSENTIAL,
                            "no sandbox can be launched (Linux 5.3)"),
                    call(
                            "pidfd_open",
                            SyscallNumber.PIDFD_OPEN,
                            ESSENTIAL,
                            "processes cannot be held (Linux 5.3)"),
                    call(
                            "pidfd_send_signal",
                            SyscallNumber.PIDFD_SEND_SIGNAL,
                            ESSENTIAL,
                            "processes cannot be ended safely (Linux 5.1)"),
                    call(
                            "openat2",
                            SyscallNumber.OPENAT2,
                            ESSENTIAL,
                            "paths cannot be resolved safely (Linux 5.6)"),
                    call(
                            "close_range",
                            SyscallNumber.CLOSE_RANGE,
                            ESSENTIAL,
                            "descriptors cannot be closed for certain (Linux 5.9)"),
                    call(
                            "open_tree",
                            SyscallNumber.OPEN_TREE,
                            ESSENTIAL,
                            "no root can be built (Linux 5.2)"),
                    call(
                            "move_mount",
                            SyscallNumber.MOVE_MOUNT,
                            ESSENTIAL,
                            "no root can be built (Linux 5.2)"),
                    call(
                            "fsopen",
                            SyscallNumber.FSOPEN,
                            ESSENTIAL,
                            "no root can be built (Linux 5.2)"),
                    call(
                            "mount_setattr",
                            SyscallNumber.MOUNT_SETATTR,
                            ESSENTIAL,
                            "no root can be protected or id-mapped (Linux 5.12)"));

    private static final List<String> NAMESPACES =
            List.of("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts");

    private static final List<Row> OTHERS =
            List.of(
                    fileSystem("overlay", "a sandbox without rootfs, or with an ephemeral one"),
                    fileSystem("tmpfs", "/dev and the writable layer of runs"),
                    fileSystem("devpts", "/dev/pts"),
                    fileSystem("mqueue", "/dev/mqueue"),
                    new Row(
                            "cgroup-v2",
                            OPTIONAL,
                            probe -> probe.cgroups.isUnified(),
                            "the freezer of cgroup v1 is used, where there is one"),
                    new Row(
                            "cgroup",
                            ESSENTIAL,
                            probe -> probe.cgroups.isUsable(),
                            "processes of a sandbox cannot be told from others: no cgroup2 and no "
                                    + "v1 freezer is mounted"),
                    new Row(
                            "proc-pidns",
                            OPTIONAL,
                            KernelProbe::hasProcPidns,
                            "a process more is started for each sandbox to mount proc (Linux"
                                    + " 6.17)"),
                    new Row(
                            "pidfd-exit-info",
                            OPTIONAL,
                            KernelProbe::hasPidfdInfo,
                            "the exit status is unknown when a monitor is killed (Linux 6.15)"),
                    call(
                            "statmount",
                            SyscallNumber.STATMOUNT,
                            OPTIONAL,
                            "bind mounts of namespaces are not found in mount namespaces that no "
                                    + "process is in (Linux 6.8, and 6.12 to list those)"),
                    call(
                            "listns",
                            SyscallNumber.LISTNS,
                            OPTIONAL,
                            "namespaces are found through what holds them (Linux 6.19)"),
                    new Row(
                            "libseccomp",
                            OPTIONAL,
                            probe -> SeccompCompiler.isPossible(),
                            "no system call filter but \"unconfined\" (try: apt-get install"
                                    + " libseccomp2)"),
                    new Row(
                            "landlock",
                            OPTIONAL,
                            probe -> probe.syscalls.landlockAbi() > 0,
                            "security.landlock is refused (Linux 5.13, and lsm=landlock)"),
                    new Row(
                            "landlock-net",
                            OPTIONAL,
                            probe -> probe.syscalls.landlockAbi() >= 4,
                            "security.landlock knows no ports (Linux 6.7)"),
                    new Row(
                            "landlock-scopes",
                            OPTIONAL,
                            probe -> probe.syscalls.landlockAbi() >= 6,
                            "on the host's network its abstract sockets are within reach (Linux"
                                    + " 6.12)"));

    /** Capabilities of the daemon itself: root in a container does not have them all. */
    private static final List<Row> CAPABILITIES =
            List.of(
                    capability(Capability.SYS_ADMIN, ESSENTIAL, "no namespace can be made"),
                    capability(
                            Capability.SYS_PTRACE,
                            ESSENTIAL,
                            "namespaces of processes with another user namespace cannot be opened"),
                    capability(Capability.SETUID, ESSENTIAL, "no map of user ids can be written"),
                    capability(Capability.SETGID, ESSENTIAL, "no map of group ids can be written"),
                    capability(
                            Capability.CHOWN,
                            ESSENTIAL,
                            "output and writable layers cannot be given to a sandbox"),
                    capability(
                            Capability.DAC_OVERRIDE,
                            ESSENTIAL,
                            "nothing can be made in directories of others, cgroups among them"),
                    capability(
                            Capability.NET_ADMIN,
                            OPTIONAL,
                            "no named network namespace can be made"),
                    capability(
                            Capability.SYS_CHROOT,
                            OPTIONAL,
                            "mount namespaces cannot be entered: exec in namespaces"),
                    capability(
                            Capability.SETPCAP,
                            OPTIONAL,
                            "the bounding set cannot be cut: exec in namespaces"),
                    capability(
                            Capability.SYS_RESOURCE,
                            OPTIONAL,
                            "hard limits of resources cannot be raised, nor oom_score_adj"
                                    + " lowered"));

    private final Syscalls syscalls;
    private final ProcRoot proc;
    private final Cgroups cgroups;

    public KernelProbe(Syscalls syscalls, ProcRoot proc, Cgroups cgroups) {
        this.syscalls = syscalls;
        this.proc = proc;
        this.cgroups = cgroups;
    }

    /** All that the daemon uses of the kernel and the host. */
    public List<KernelFeature> features() {
        return all(
                Stream.of(
                                CALLS.stream(),
                                NAMESPACES.stream().map(KernelProbe::namespace),
                                OTHERS.stream(),
                                Arrays.stream(Controller.values()).map(KernelProbe::controller),
                                CAPABILITIES.stream())
                        .flatMap(rows -> rows));
    }

    private List<KernelFeature> all(Stream<Row> rows) {
        return rows.map(row -> row.of(this)).toList();
    }

    private long ownCapabilities() {
        return ProcStatus.ownCapabilities(proc);
    }

    private static Row call(String name, SyscallNumber number, boolean essential, String without) {
        return new Row(name, essential, probe -> probe.syscalls.knows(number), without);
    }

    private static Row fileSystem(String name, String use) {
        return new Row(
                "filesystem-" + name,
                ESSENTIAL,
                probe -> probe.syscalls.knowsFileSystem(name),
                use + " (try: modprobe " + name + ")");
    }

    private static Row namespace(String type) {
        return new Row(
                "namespace-" + type,
                !type.equals("time"),
                probe -> probe.proc.link("thread-self/ns/" + type).unlessGone().isPresent(),
                type + " namespaces cannot be made");
    }

    private static Row controller(Controller controller) {
        return new Row(
                "cgroup-" + controller,
                OPTIONAL,
                probe -> probe.cgroups.has(controller),
                "what " + controller + " limits or counts is refused, or not told");
    }

    private static Row capability(Capability capability, boolean essential, String without) {
        return new Row(
                "CAP_" + capability.name(),
                essential,
                probe -> (probe.ownCapabilities() & capability.mask()) != 0,
                without);
    }

    /** What is missing without which the daemon cannot work. */
    public List<String> missingEssentials() {
        if (syscalls.geteuid() != 0) {
            return List.of("root: the daemon must run as uid 0 (try sudo)");
        }
        // The kernel tells its features only to those who may use them.
        List<String> missing = missing(all(CAPABILITIES.stream()));
        return missing.isEmpty() ? missing(features()) : missing;
    }

    private static List<String> missing(List<KernelFeature> features) {
        return features.stream()
                .filter(feature -> feature.essential() && !feature.present())
                .map(feature -> feature.name() + ": " + feature.without())
                .toList();
    }

    private boolean hasProcPidns() {
        return syscalls.fileSystemHasOption("proc", "pidns", proc.path() + "/thread-self/ns/pid");
    }

    private boolean hasPidfdInfo() {
        try (PidFd self = syscalls.pidfdOpen((int) ProcessHandle.current().pid())) {
            return syscalls.knowsPidfdExitInfo(self);
        } catch (SyscallException e) {
            return false; // before Linux 5.3 there is no pidfd; the row for it tells so
        }
    }

    public String kernelRelease() {
        return proc.read("sys/kernel/osrelease").map(String::trim).orElse("unknown");
    }

    /** Which version of cgroups limits what, for {@code GET /system}. */
    public Map<String, String> controllers() {
        return cgroups.controllers();
    }

    /** How the host's cgroups are used, for {@code GET /system}. */
    public String cgroupVersion() {
        return cgroups.description();
    }
}

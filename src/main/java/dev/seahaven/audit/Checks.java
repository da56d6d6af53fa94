package dev.seahaven.audit;

import dev.seahaven.audit.Finding.Severity;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.sandbox.life.HardenedSandboxes.Hardened;
import dev.seahaven.syscall.Capability;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** From what was seen to what is open. Pure. */
final class Checks {

    /**
     * Those that give parts of the host away even inside of a user namespace, or attack the kernel.
     */
    private static final Set<Capability> DANGEROUS =
            EnumSet.of(
                    Capability.DAC_READ_SEARCH,
                    Capability.NET_ADMIN,
                    Capability.SYS_MODULE,
                    Capability.SYS_RAWIO,
                    Capability.SYS_PTRACE,
                    Capability.SYS_BOOT,
                    Capability.SYS_TIME,
                    Capability.SYSLOG,
                    Capability.MAC_ADMIN,
                    Capability.BPF,
                    Capability.PERFMON);

    private final Facts facts;
    private final List<Finding> findings = new ArrayList<>();

    private Checks(Facts facts) {
        this.facts = facts;
    }

    /** The worst first. */
    static List<Finding> of(Facts facts) {
        Checks checks = new Checks(facts);
        checks.user();
        checks.namespaces();
        checks.capabilities();
        checks.seccomp();
        checks.modules();
        checks.mounts();
        checks.resources();
        checks.reach();
        checks.sandbox();
        checks.unknown();
        checks.findings.sort(Comparator.comparing(Finding::severity));
        return List.copyOf(checks.findings);
    }

    private void add(
            boolean open,
            String id,
            Severity severity,
            String evidence,
            String attack,
            String remedy) {
        if (open) {
            findings.add(new Finding(id, severity, evidence, attack, remedy));
        }
    }

    private void user() {
        add(
                facts.rootIsHosts(),
                "root-is-host-root",
                Severity.CRITICAL,
                facts.isIsolated(NamespaceType.USER)
                        ? "its uid map leads to the host's 0"
                        : "its user namespace is the host's",
                "Hundreds of files below /proc and /sys ask for the uid 0 of the host and for no"
                        + " capability: with it inside root changes the kernel's settings, and any"
                        + " file of the host that comes into reach is its own.",
                "namespaces.user: \"new\"");
    }

    private void namespaces() {
        shared(
                NamespaceType.PID,
                Severity.HIGH,
                "It sees every process of the host with its arguments, and may signal and trace"
                        + " those of its own user.",
                "namespaces.pid: \"new\"");
        shared(
                NamespaceType.NET,
                Severity.HIGH,
                "It reaches what listens on the host's loopback and its abstract sockets, and can"
                        + " listen in the host's name.",
                "network.mode: \"none\"");
        shared(
                NamespaceType.MNT,
                Severity.HIGH,
                "It sees every file system of the host; only permissions keep it from changing"
                        + " them.",
                "namespaces.mount: \"new\"");
        shared(
                NamespaceType.IPC,
                Severity.MEDIUM,
                "It can attach shared memory and queues of the host's programs.",
                "namespaces.ipc: \"new\"");
        shared(
                NamespaceType.UTS,
                Severity.LOW,
                "It learns the host's name, and with CAP_SYS_ADMIN changes it.",
                "namespaces.uts: \"new\"");
        shared(
                NamespaceType.CGROUP,
                Severity.LOW,
                "It learns where in the host's cgroups it is, and what else is there.",
                "namespaces.cgroup: \"new\"");
        add(
                facts.clocksAreHosts().is(Boolean::booleanValue),
                "namespace-time-shared",
                Severity.INFO,
                facts.isIsolated(NamespaceType.TIME)
                        ? "its time namespace has no offsets"
                        : "its time namespace is the host's",
                "It learns how long the host has been up.",
                "namespaces.time: {\"mode\": \"new\", \"monotonicOffsetSeconds\": N,"
                        + " \"boottimeOffsetSeconds\": N}");
        List<String> foreign =
                facts.namespaces().values().stream()
                        .map(Seen::orNull)
                        .filter(Objects::nonNull)
                        .filter(each -> each.ownedBy() != null)
                        .map(each -> each.type().kernelName() + " by " + each.ownedBy())
                        .toList();
        add(
                !foreign.isEmpty(),
                "namespace-foreign-owner",
                Severity.INFO,
                "namespaces owned by another user namespace: " + foreign,
                "Who has rights in the owner can change them, and see what goes on there; it has"
                        + " none over them itself.",
                "namespaces.user: \"sandbox:S\", or \"new\" for what is joined");
        Hardened sandbox = facts.sandbox();
        List<String> partners = sandbox == null ? List.of() : sandbox.sharesWith();
        add(
                !partners.isEmpty(),
                "namespace-shared-with-sandbox",
                Severity.LOW,
                "namespaces shared with the sandboxes " + partners,
                "What is broken into in one of them is broken into in all.",
                "namespaces and network.mode: nothing of \"sandbox:S\"");
    }

    private void shared(NamespaceType type, Severity severity, String attack, String remedy) {
        add(
                facts.isHosts(type),
                "namespace-" + type.kernelName() + "-shared",
                severity,
                "its " + type.kernelName() + " namespace is the host's",
                attack,
                remedy);
    }

    private void capabilities() {
        add(
                facts.credentials().reachable().contains(Capability.SYS_ADMIN),
                "capability-sys-admin",
                Severity.CRITICAL,
                "it has CAP_SYS_ADMIN, or can get it",
                "It undoes the mounts that hide and protect kernel paths, and reaches the largest"
                        + " part of the kernel that users never see.",
                "leave SYS_ADMIN out of security.capabilities.add");
        Set<Capability> dangerous = EnumSet.noneOf(Capability.class);
        dangerous.addAll(facts.credentials().reachable());
        dangerous.retainAll(DANGEROUS);
        add(
                !dangerous.isEmpty(),
                "capabilities-dangerous",
                facts.rootMayBeHosts() ? Severity.CRITICAL : Severity.MEDIUM,
                "it has or can get " + dangerous,
                facts.rootMayBeHosts()
                        ? "Each of them alone is enough to take the host over or to stop it."
                        : "In a user namespace of its own they open parts of the kernel that have"
                                + " had many defects.",
                "leave them out of security.capabilities.add");
        add(
                !facts.credentials().ambient().isEmpty(),
                "capabilities-ambient",
                Severity.LOW,
                facts.credentials().ambient() + " in its ambient set",
                "Every program that it executes has them, also those that were never meant to.",
                "leave them out of security.capabilities.ambient");
    }

    private void seccomp() {
        Facts.Seccomp seccomp = facts.seccomp();
        List<String> through = seccomp.letsThrough();
        List<String> known = Objects.requireNonNullElse(through, List.of());
        List<String> filters = known.stream().filter(DangerousCalls::makesFilters).toList();
        List<String> escapes = known.stream().filter(each -> !filters.contains(each)).toList();
        boolean off = seccomp.mode().equals("disabled");
        add(
                off,
                "seccomp-off",
                Severity.HIGH,
                "no filter: every system call of the kernel can be made",
                "Most ways out of containers began with a system call that no program inside"
                        + " needed: nested user namespaces, io_uring, keyctl, userfaultfd.",
                "security.seccomp: \"default\"");
        add(
                !off && !escapes.isEmpty(),
                "seccomp-lets-through",
                Severity.MEDIUM,
                "its filter lets through " + escapes,
                "Each of these has been a step of an escape.",
                "leave them out of the profile, or security.seccomp: \"default\"");
        add(
                !filters.isEmpty(),
                "nested-filters",
                Severity.MEDIUM,
                "it can make filters: " + filters,
                "Some 2,000 filters that are freed at once can keep the host from making another"
                        + " until it is booted again, and the memory for them is the whole host's.",
                "security.seccomp: \"default\"");
        add(
                !off && through == null,
                "seccomp-unknown",
                Severity.INFO,
                seccomp.filters() + " filters, which only a tracer could read",
                "What they let through cannot be told from outside.",
                "run it in a sandbox of this daemon");
        add(
                !facts.credentials().noNewPrivileges(),
                "no-new-privileges-off",
                Severity.MEDIUM,
                "NoNewPrivs is 0",
                "A setuid program or one with file capabilities gives it rights that it had not.",
                "security.noNewPrivileges: true");
    }

    /** Root inside is nobody outside, and calls are filtered: a module would be one layer more. */
    private boolean isGuarded() {
        return !facts.seccomp().mode().equals("disabled")
                && facts.credentials().noNewPrivileges()
                && !facts.rootMayBeHosts();
    }

    private void modules() {
        Optional<String> label =
                Objects.requireNonNullElse(facts.lsmLabel().orNull(), Optional.empty());
        boolean unconfined =
                facts.lsmLabel().is(each -> each.isEmpty() || each.get().equals("unconfined"));
        add(
                unconfined,
                "lsm-unconfined",
                label.isPresent() && !isGuarded() ? Severity.LOW : Severity.INFO,
                label.isPresent()
                        ? "its label is " + label.get()
                        : "neither AppArmor nor SELinux runs on this kernel",
                "A defect in another layer meets no second one here.",
                "security.apparmor or security.selinux, where the kernel has one");
        Hardened sandbox = facts.sandbox();
        add(
                sandbox != null && !sandbox.landlockOfFiles(),
                "landlock-off",
                Severity.INFO,
                sandbox != null && sandbox.landlock()
                        ? "its Landlock rules leave every file open"
                        : "no Landlock rules were asked for",
                "It may open whatever its user may open in its root.",
                "security.landlock.read and security.landlock.write");
    }

    private void mounts() {
        add(
                isOpen(facts.writableMounts()),
                "sensitive-mounts-writable",
                facts.rootMayBeHosts() ? Severity.CRITICAL : Severity.MEDIUM,
                "writable: " + facts.writableMounts().orNull(),
                "Settings of the kernel, or files of the host, can be changed from inside.",
                "leave security.privileged out; rootfs.readOnly or rootfs.ephemeral: true");
        add(
                isOpen(facts.openKernelPaths()),
                "kernel-paths-open",
                facts.rootMayBeHosts() ? Severity.HIGH : Severity.MEDIUM,
                "neither hidden nor read-only: " + facts.openKernelPaths().orNull(),
                "They tell of the host's memory, timers, keys and firmware, or change it.",
                "leave security.privileged out");
        add(
                facts.resources().is(Facts.Resources::writable),
                "cgroup-writable",
                Severity.HIGH,
                "a cgroup file system is mounted writable",
                "It lifts its own limits; on cgroup v1 release_agent runs a program as root of the"
                        + " host.",
                "another rootfs.path, or rootfs.readOnly: true; nothing mounts it unless it is"
                        + " there");
    }

    private void resources() {
        Facts.Resources cgroup = facts.resources().orNull();
        if (cgroup == null) {
            return;
        }
        add(
                cgroup.memoryLimitBytes() == null,
                "memory-unlimited",
                Severity.MEDIUM,
                "no group of it has a limit of memory",
                "It takes the host's memory, and the kernel kills something else.",
                "limits.memoryBytes, on a host with the memory controller");
        add(
                cgroup.pidsLimit() == null,
                "pids-unlimited",
                Severity.MEDIUM,
                "no group of it has a limit of processes",
                "A fork bomb takes every process number of the host.",
                "limits.pids, on a host with the pids controller");
        Long files = cgroup.openFilesLimit();
        add(
                files == null || files > 65_536,
                "open-files-unlimited",
                Severity.LOW,
                "its hard limit of open files is " + (files == null ? "none" : files),
                "It takes the kernel's memory with open files, process by process.",
                "limits.openFiles");
    }

    private void reach() {
        add(
                isOpen(facts.engineSockets()),
                "engine-socket",
                Severity.CRITICAL,
                "within reach: " + facts.engineSockets().orNull(),
                "Whoever can speak to a container engine is root of the host.",
                "another rootfs.path, without the socket");
        add(
                isOpen(facts.devices()),
                "host-devices",
                facts.rootMayBeHosts() ? Severity.CRITICAL : Severity.MEDIUM,
                "in its /dev: " + facts.devices().orNull(),
                "Disks, memory and drivers of the host, past every file permission.",
                "leave them out of security.devices");
        add(
                isOpen(facts.listening()),
                "listening-on-host",
                Severity.LOW,
                "listens on " + facts.listening().orNull(),
                "Others take it for a service of the host.",
                "network.mode: \"none\"");
    }

    private void sandbox() {
        Hardened sandbox = facts.sandbox();
        if (sandbox == null) {
            return;
        }
        add(
                sandbox.privileged(),
                "privileged",
                Severity.CRITICAL,
                "security.privileged is true",
                "Every layer but the namespaces is off.",
                "security.privileged: false");
        add(
                !sandbox.diskLimited(),
                "disk-unlimited",
                Severity.INFO,
                "its writable layer has no limit of its own",
                "It can fill the file system of the daemon's state directory.",
                "limits.diskBytes");
    }

    /** Whether anything was found there. */
    private static boolean isOpen(Seen<List<String>> found) {
        return found.is(all -> !all.isEmpty());
    }

    /** What could not be looked at may be open: it is told as that, and never as closed. */
    private void unknown() {
        facts.unknown()
                .forEach(
                        (layer, why) ->
                                add(
                                        true,
                                        "layer-unknown",
                                        Severity.MEDIUM,
                                        layer + " could not be looked at: " + why,
                                        "Whether this layer holds cannot be told; treat it as open"
                                                + " until it can.",
                                        "let the daemon look at it: it needs the capabilities"
                                                + " that GET /system names, and free"
                                                + " descriptors"));
    }
}

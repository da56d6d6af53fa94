package dev.seahaven.exec;

import dev.seahaven.cgroup.ProcessGroup;
import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.claim.Claims;
import dev.seahaven.ids.Accounts;
import dev.seahaven.launcher.Capture;
import dev.seahaven.launcher.Launch;
import dev.seahaven.launcher.LaunchKind;
import dev.seahaven.launcher.LaunchPlan;
import dev.seahaven.launcher.LaunchPlan.Attachment;
import dev.seahaven.launcher.LaunchPlan.Credentials;
import dev.seahaven.launcher.LaunchPlan.Descriptors;
import dev.seahaven.launcher.LaunchPlan.Flag;
import dev.seahaven.launcher.LaunchPlan.Join;
import dev.seahaven.launcher.LaunchPlan.Limits;
import dev.seahaven.launcher.LaunchPlan.Maps;
import dev.seahaven.launcher.LaunchPlan.Program;
import dev.seahaven.launcher.LaunchPlan.TimeOffsets;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.launcher.LauncherException;
import dev.seahaven.launcher.MonitorLostException;
import dev.seahaven.launcher.Report;
import dev.seahaven.launcher.Stage;
import dev.seahaven.launcher.Started;
import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.life.Entrances.Entrance;
import dev.seahaven.namespace.scan.NamespaceFinder;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.ProcStatus;
import dev.seahaven.sandbox.launch.Inside;
import dev.seahaven.sandbox.launch.SandboxLauncher;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.syscall.CloneFlag;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Runs a program of the host inside of a namespace, as nsenter(1) and {@code ip netns exec} do:
 * with all capabilities, in the host's other namespaces. In a network namespace it sees a fresh
 * {@code /sys} and the files of {@code /etc/netns/NAME} over those of {@code /etc}, in a pid
 * namespace a fresh {@code /proc}. The programs of a sandbox's mount namespace are those of who is
 * inside: whoever enters that enters all of the sandbox.
 */
public final class NamespaceExec {

    private static final String ETC_NETNS = "/etc/netns/";
    private static final String CAPTURED = "exec-";
    private static final String DETACHED = Cgroups.OUTLIVES + "exec-";
    private static final Duration LEFT_LOOK = Duration.ofSeconds(5);
    private static final long ALL_CAPABILITIES = -1L;
    private static final long OUTPUT_BYTES = 1L << 40;

    private final Syscalls syscalls;
    private final Launcher launcher;
    private final Cgroups cgroups;
    private final NamespaceFinder finder;
    private final ProcRoot proc;
    private final MountOwners owners;
    private final SandboxLauncher launches;
    private final long captureBytes;

    public NamespaceExec(
            Syscalls syscalls,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder finder,
            ProcRoot proc,
            MountOwners owners,
            SandboxLauncher launches,
            long captureBytes) {
        this.syscalls = syscalls;
        this.launcher = launcher;
        this.cgroups = cgroups;
        this.finder = finder;
        this.proc = proc;
        this.owners = owners;
        this.launches = launches;
        this.captureBytes = captureBytes;
    }

    /**
     * @param caller is given what ends the program, for when nobody waits for it any more
     */
    public ExecResult run(Entrance into, ExecSpec spec, Consumer<Runnable> caller) {
        if (!into.mapsRoot()) {
            throw new Problem(
                    ProblemType.WRONG_STATE,
                    "The user namespace does not map the id 0, which a program enters it with.");
        }
        Place place = new Place(into, owners.sandbox(into).orElse(null));
        try (Claims opened = new Claims()) {
            return MonitorLostException.tryAgainUntouched(
                    () -> runOnce(place, spec, opened, caller));
        } catch (LauncherException e) {
            if (into.type() == NamespaceType.PID && e.errno() == Errno.ENOMEM) {
                throw new Problem(
                        ProblemType.WRONG_STATE,
                        "The pid namespace has just died: its init has ended.");
            }
            return notExecuted(e);
        }
    }

    /** Where a program is to run: in a namespace, or in all of the sandbox that this is of. */
    private record Place(Entrance into, @Nullable Inside inside) {}

    private ExecResult runOnce(
            Place place, ExecSpec spec, Claims opened, Consumer<Runnable> caller) {
        try {
            return spec.detach()
                    ? detached(place, spec, opened)
                    : captured(place, spec, opened, caller);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        }
    }

    private ExecResult captured(
            Place place, ExecSpec spec, Claims opened, Consumer<Runnable> caller)
            throws InterruptedException {
        long begun = System.nanoTime();
        ProcessGroup group = group(place, CAPTURED);
        Ending ending = new Ending();
        ending.isIn(group);
        try (ProcessGroup.Entry entry = group.enter()) {
            Capture capture = new Capture();
            Descriptors descriptors = descriptors(place, entry, stdin(spec, opened), null);
            // Whatever it leaves in the background ends with it.
            Set<Flag> flags = EnumSet.of(Flag.PID_SHARED);
            Launch launch =
                    launcher.launch(
                            plan(LaunchKind.EXEC, place, spec, descriptors, flags, opened),
                            capture);
            opened.opened(launch);
            caller.accept(ending::end);
            Report.Exited ended = capture.await();
            int status = ended.status();
            return new ExecResult(
                    Report.exitCode(status),
                    Report.signal(status) == 0 ? null : Report.signalName(status),
                    capture.bytes(1),
                    capture.bytes(2),
                    ended.stdoutTruncated() || ended.stderrTruncated(),
                    ended.reason() == Report.Reason.TIMED_OUT,
                    millis(System.nanoTime() - begun),
                    null);
        } finally {
            ending.hasLeft();
            ending.isOver();
            group.remove();
        }
    }

    private ExecResult detached(Place place, ExecSpec spec, Claims opened)
            throws InterruptedException {
        long begun = System.nanoTime();
        Fd nothing = opened.opened(syscalls.open("/dev/null", Syscalls.O_WRONLY, 0));
        ProcessGroup group = group(place, DETACHED);
        Started started = new Started(() -> removeWhenEmpty(group));
        try (ProcessGroup.Entry entry = group.enter()) {
            Descriptors descriptors = descriptors(place, entry, stdin(spec, opened), nothing);
            launcher.launch(
                    plan(
                            LaunchKind.DETACHED,
                            place,
                            spec,
                            descriptors,
                            EnumSet.noneOf(Flag.class),
                            opened),
                    started);
            int pid = started.await();
            return ExecResult.detached(pid, millis(System.nanoTime() - begun));
        } catch (RuntimeException e) {
            group.remove();
            throw e;
        }
    }

    /** What it has left in the background may last; what is left then, the next daemon removes. */
    private static void removeWhenEmpty(ProcessGroup group) {
        while (!group.removeIfEmpty()) {
            LockSupport.parkNanos(LEFT_LOOK.toNanos());
        }
    }

    private ProcessGroup group(Place place, String prefix) {
        String name = prefix + SandboxId.random();
        return place.inside == null ? cgroups.create(name) : place.inside.cgroup().below(name);
    }

    /** A program of the host has no limits, and so enters none of the groups that have them. */
    private static Descriptors descriptors(
            Place place, ProcessGroup.Entry entry, @Nullable Fd stdin, @Nullable Fd log) {
        List<Fd> freezer = entry.freezer() == null ? List.of() : List.of(entry.freezer());
        return new Descriptors(
                entry.v2(),
                entry.freezer(),
                place.inside == null ? freezer : entry.v1(),
                null,
                null,
                stdin,
                log,
                null,
                null);
    }

    private static double millis(long nanos) {
        return Math.round(nanos / 1e3) / 1e3;
    }

    private @Nullable Fd stdin(ExecSpec spec, Claims opened) {
        if (spec.stdin() == null) {
            return null;
        }
        Fd input = launcher.input(KernelText.encode(spec.stdin()));
        opened.opened(input);
        return input;
    }

    private LaunchPlan plan(
            LaunchKind kind,
            Place place,
            ExecSpec spec,
            Descriptors descriptors,
            Set<Flag> flags,
            Claims opened) {
        Entrance into = place.into;
        if (!into.setgroups()) {
            flags.add(Flag.DENY_SETGROUPS);
        }
        Limits limits = new Limits(spec.timeout(), OUTPUT_BYTES, captureBytes, 0);
        Program program = new Program(spec.command(), spec.environment(), spec.workingDirectory());
        if (place.inside != null) {
            return launches.program(
                    kind,
                    flags,
                    place.inside,
                    descriptors,
                    new Accounts.Identity(
                            Integer.toUnsignedLong(spec.uid()),
                            Integer.toUnsignedLong(spec.gid()),
                            List.of(),
                            ""),
                    limits,
                    program,
                    opened);
        }
        NamespaceType type = into.type();
        List<Join> joins = new ArrayList<>();
        if (type != NamespaceType.MNT) {
            // The launcher lives in mounts of its own.
            Fd mounts = finder.openOwn(NamespaceType.MNT);
            opened.opened(mounts);
            joins.add(new Join(CloneFlag.CLONE_NEWNS, mounts));
        }
        joins.add(new Join(type.flag(), into.namespace()));
        if (into.owner() != null) {
            joins.add(new Join(CloneFlag.CLONE_NEWUSER, into.owner()));
        }
        Set<CloneFlag> fresh = EnumSet.noneOf(CloneFlag.class);
        if (type == NamespaceType.NET || type == NamespaceType.PID) {
            fresh.add(CloneFlag.CLONE_NEWNS);
            flags.add(type == NamespaceType.NET ? Flag.SYSFS : Flag.PROC);
        }
        return LaunchPlan.withoutRoot(
                kind,
                flags,
                fresh,
                joins,
                descriptors,
                new Maps("", ""),
                new TimeOffsets(0, 0),
                new Credentials(spec.uid(), spec.gid(), List.of(), capabilities(into), 0),
                limits,
                LaunchPlan.Hardening.NONE,
                type == NamespaceType.NET ? etc(into.name(), opened) : List.of(),
                program);
    }

    /** What the daemon has itself; who enters a user namespace has all in it. */
    private long capabilities(Entrance into) {
        if (into.type() == NamespaceType.USER || into.owner() != null) {
            return ALL_CAPABILITIES;
        }
        return ProcStatus.own(proc).hex("CapPrm");
    }

    /** As {@code ip netns exec}: what has no counterpart in {@code /etc} is passed over. */
    private List<Attachment> etc(@Nullable String name, Claims opened) {
        List<Attachment> files = new ArrayList<>();
        for (String file : name == null ? List.<String>of() : entries(ETC_NETNS + name)) {
            String target = "/etc/" + file;
            if (syscalls.exists(Fd.AT_FDCWD, target)) {
                Fd tree =
                        syscalls.openTree(
                                Fd.AT_FDCWD,
                                ETC_NETNS + name + "/" + file,
                                Syscalls.OPEN_TREE_CLONE);
                opened.opened(tree);
                files.add(new Attachment(tree, target));
            }
        }
        return files;
    }

    private List<String> entries(String directory) {
        try {
            return syscalls.list(directory);
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
                return List.of();
            }
            throw e;
        }
    }

    /** A program that cannot be executed is a result, as a shell has it. */
    private static ExecResult notExecuted(LauncherException failure) {
        if (failure.stage() == Stage.WORKING_DIRECTORY) {
            throw Problem.invalid(
                    "workingDirectory", "cannot be entered: " + failure.refusal().getMessage());
        }
        if (failure.stage() == Stage.CREDENTIALS && failure.errno() == Errno.EINVAL) {
            throw Problem.invalid(
                    "user", "is not mapped in the user namespace: " + failure.refusal().call());
        }
        return ExecResult.notExecuted(
                failure.shellExitCode().orElseThrow(() -> failure),
                String.valueOf(failure.refusal().getMessage()).getBytes(StandardCharsets.UTF_8));
    }
}

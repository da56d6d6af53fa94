package dev.seahaven.exec;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.claim.Claims;
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
import dev.seahaven.syscall.CloneFlag;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Runs a program of the host inside of a namespace, as nsenter(1) and {@code ip netns exec} do:
 * with all capabilities, in the host's other namespaces. In a network namespace it sees a fresh
 * {@code /sys} and the files of {@code /etc/netns/NAME} over those of {@code /etc}, in a pid
 * namespace a fresh {@code /proc}.
 */
public final class NamespaceExec {

    private static final String ETC_NETNS = "/etc/netns/";
    private static final long ALL_CAPABILITIES = -1L;
    private static final long OUTPUT_BYTES = 1L << 40;

    private final Syscalls syscalls;
    private final Launcher launcher;
    private final Cgroups cgroups;
    private final NamespaceFinder finder;
    private final ProcRoot proc;
    private final long captureBytes;
    private final AtomicLong counter = new AtomicLong();

    public NamespaceExec(
            Syscalls syscalls,
            Launcher launcher,
            Cgroups cgroups,
            NamespaceFinder finder,
            ProcRoot proc,
            long captureBytes) {
        this.syscalls = syscalls;
        this.launcher = launcher;
        this.cgroups = cgroups;
        this.finder = finder;
        this.proc = proc;
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
        try (Claims opened = new Claims()) {
            return MonitorLostException.tryAgainUntouched(
                    () -> runOnce(into, spec, opened, caller));
        } catch (LauncherException e) {
            if (into.type() == NamespaceType.PID && e.errno() == Errno.ENOMEM) {
                throw new Problem(
                        ProblemType.WRONG_STATE,
                        "The pid namespace has just died: its init has ended.");
            }
            return notExecuted(e);
        }
    }

    private ExecResult runOnce(
            Entrance into, ExecSpec spec, Claims opened, Consumer<Runnable> caller) {
        try {
            return spec.detach()
                    ? detached(into, spec, opened)
                    : captured(into, spec, opened, caller);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem(ProblemType.BUSY, "The daemon stops.");
        }
    }

    private ExecResult captured(
            Entrance into, ExecSpec spec, Claims opened, Consumer<Runnable> caller)
            throws InterruptedException {
        long begun = System.nanoTime();
        Cgroup cgroup = cgroups.create("exec-" + counter.incrementAndGet());
        Ending ending = new Ending();
        ending.isIn(cgroup);
        try (Cgroup.Entry entry = cgroup.enter()) {
            Capture capture = new Capture();
            Descriptors descriptors =
                    new Descriptors(
                            entry.v2(),
                            entry.freezer(),
                            // no limits: it is a program of the host
                            entry.freezer() == null ? List.of() : List.of(entry.freezer()),
                            null,
                            null,
                            stdin(spec, opened),
                            null,
                            null,
                            null);
            // Whatever it leaves in the background ends with it.
            Set<Flag> flags = EnumSet.of(Flag.PID_SHARED);
            Launch launch =
                    launcher.launch(
                            plan(LaunchKind.EXEC, into, spec, descriptors, flags, opened), capture);
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
            cgroup.remove();
        }
    }

    private ExecResult detached(Entrance into, ExecSpec spec, Claims opened)
            throws InterruptedException {
        long begun = System.nanoTime();
        Fd nothing = syscalls.open("/dev/null", Syscalls.O_WRONLY, 0);
        opened.opened(nothing);
        Descriptors descriptors =
                new Descriptors(
                        null,
                        null,
                        List.of(),
                        null,
                        null,
                        stdin(spec, opened),
                        nothing,
                        null,
                        null);
        Started started = new Started();
        launcher.launch(
                plan(
                        LaunchKind.DETACHED,
                        into,
                        spec,
                        descriptors,
                        EnumSet.noneOf(Flag.class),
                        opened),
                started);
        int pid = started.await();
        return ExecResult.detached(pid, millis(System.nanoTime() - begun));
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
            Entrance into,
            ExecSpec spec,
            Descriptors descriptors,
            Set<Flag> flags,
            Claims opened) {
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
        if (!into.setgroups()) {
            flags.add(Flag.DENY_SETGROUPS);
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
                new Limits(spec.timeout(), OUTPUT_BYTES, captureBytes, 0),
                type == NamespaceType.NET ? etc(into.name(), opened) : List.of(),
                new Program(spec.command(), spec.environment(), spec.workingDirectory()));
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

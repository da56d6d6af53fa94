package dev.seahaven.testing;

import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.launcher.Launch;
import dev.seahaven.launcher.LaunchPlan;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.launcher.Report;
import dev.seahaven.procfs.MountInfo;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A host that needs no root: a captured {@code /proc}, cgroup hierarchies of ordinary files that
 * behave as the kernel's do where sandboxes ask them to, and a launcher whose commands are
 * processes of the test. What only root may do is done by nobody, and told as done.
 */
public final class FakeHost implements AutoCloseable {

    /** Which hierarchies the host has. */
    public enum Hierarchies {
        V2,
        V1,
        HYBRID
    }

    private static final List<String> CONTROLLERS =
            List.of("memory", "pids", "cpu", "cpuset", "blkio", "devices", "freezer");

    private static final Map<String, Map<String, String>> V1_FILES =
            Map.of(
                    "memory",
                    Map.of(
                            "memory.limit_in_bytes", "",
                            "memory.memsw.limit_in_bytes", "",
                            "memory.oom_control", "oom_kill 0\n"),
                    "pids",
                    Map.of("pids.max", "max\n", "pids.current", "0\n", "pids.events", "max 0\n"),
                    "cpu",
                    Map.of("cpu.cfs_period_us", "100000\n", "cpu.cfs_quota_us", "-1\n"),
                    "cpuset",
                    Map.of("cpuset.cpus", "0-1\n", "cpuset.mems", "0\n"),
                    "blkio",
                    Map.of("blkio.bfq.weight", ""),
                    "devices",
                    Map.of("devices.allow", "", "devices.deny", ""),
                    "freezer",
                    Map.of("freezer.state", "THAWED\n"));

    private static final Map<String, String> V2_FILES =
            Map.of(
                    "cgroup.freeze", "0\n",
                    "cgroup.kill", "",
                    "cgroup.subtree_control", "",
                    "cgroup.events", "populated 0\nfrozen 0\n");

    private static final Map<String, String> V2_CONTROLLER_FILES =
            Map.of(
                    "memory.max", "max\n",
                    "memory.swap.max", "max\n",
                    "memory.events", "oom_kill 0\n",
                    "memory.oom.group", "0\n",
                    "pids.max", "max\n",
                    "pids.events", "max 0\n",
                    "cpu.max", "max 100000\n");

    private final Path top;
    private final Hierarchies kind;
    private final Syscalls real = new LinuxSyscalls();
    private final Syscalls syscalls;
    private final FaultySyscalls.Pair faults;
    private final ProcRoot proc;
    private final Map<Path, Process> processes = new ConcurrentHashMap<>();

    public FakeHost(Path top, Hierarchies kind) throws IOException {
        this.top = top;
        this.kind = kind;
        this.syscalls =
                (Syscalls)
                        Proxy.newProxyInstance(
                                Syscalls.class.getClassLoader(),
                                new Class<?>[] {Syscalls.class},
                                this::call);
        this.faults = FaultySyscalls.failing(syscalls, Errno.EIO);
        this.proc = new ProcRoot(faults.syscalls(), captureProc(top.resolve("proc")).toString());
        for (String hierarchy : hierarchies()) {
            fill(Files.createDirectories(top.resolve("cgroup").resolve(hierarchy)), hierarchy);
        }
    }

    private static Path captureProc(Path proc) throws IOException {
        for (String file :
                List.of(
                        "meminfo",
                        "sys/fs/file-nr",
                        "self/limits",
                        "self/status",
                        "self/cgroup",
                        "thread-self/status")) {
            Path copy = proc.resolve(file);
            Files.createDirectories(copy.getParent());
            Files.writeString(copy, Outside.read("/proc/" + file));
        }
        Files.createDirectories(proc.resolve("sys/kernel"));
        Files.writeString(proc.resolve("sys/kernel/pid_max"), "32768\n");
        Files.writeString(
                proc.resolve("thread-self/mountinfo"),
                "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n");
        Files.copy(proc.resolve("thread-self/mountinfo"), proc.resolve("self/mountinfo"));
        return proc;
    }

    private List<String> hierarchies() {
        return switch (kind) {
            case V2 -> List.of("unified");
            case V1 -> CONTROLLERS;
            case HYBRID -> Stream.concat(Stream.of("unified"), CONTROLLERS.stream()).toList();
        };
    }

    private void fill(Path group, String hierarchy) {
        Map<String, String> files = V1_FILES.getOrDefault(hierarchy, V2_FILES);
        files.forEach((name, text) -> write(group.resolve(name), text));
        if (kind == Hierarchies.V2) {
            V2_CONTROLLER_FILES.forEach((name, text) -> write(group.resolve(name), text));
            write(group.resolve("cgroup.controllers"), "cpuset cpu io memory pids\n");
        }
        write(group.resolve("cgroup.procs"), "");
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The seam; a call of it can be made to fail. */
    public Syscalls syscalls() {
        return faults.syscalls();
    }

    public FaultySyscalls faults() {
        return faults.control();
    }

    public ProcRoot proc() {
        return proc;
    }

    public Path top() {
        return top;
    }

    public Cgroups cgroups() {
        StringBuilder mounts = new StringBuilder();
        for (String each : hierarchies()) {
            mounts.append(
                    each.equals("unified")
                            ? "41 31 0:38 / %s rw - cgroup2 cgroup2 rw\n"
                                    .formatted(top.resolve("cgroup/unified"))
                            : "42 31 0:39 / %s rw - cgroup cgroup rw,%s\n"
                                    .formatted(top.resolve("cgroup").resolve(each), each));
        }
        Cgroups found =
                Cgroups.detect(syscalls(), MountInfo.parse(mounts.toString()), "seahaven", "");
        found.prepare();
        return found;
    }

    /** What a file of a sandbox's group holds, on the hierarchy that has it; empty without it. */
    public String group(String id, String file) throws IOException {
        for (String each : hierarchies()) {
            Path path = top.resolve("cgroup").resolve(each).resolve("seahaven").resolve(id);
            if (Files.exists(path.resolve(file))) {
                return Files.readString(path.resolve(file)).trim();
            }
        }
        return "";
    }

    /** Every group of a sandbox, by its name, once for each hierarchy. */
    public List<String> groups() throws IOException {
        List<String> all = new ArrayList<>();
        for (String each : hierarchies()) {
            Path own = top.resolve("cgroup").resolve(each).resolve("seahaven");
            if (!Files.exists(own)) {
                continue;
            }
            try (Stream<Path> groups = Files.list(own)) {
                groups.filter(Files::isDirectory)
                        .map(path -> path.getFileName().toString())
                        .filter(name -> !name.startsWith("run-") && !name.startsWith("default-"))
                        .forEach(all::add);
            }
        }
        return all;
    }

    // ---------------------------------------------------------------- the kernel

    private @Nullable Object call(Object proxy, Method method, Object @Nullable [] arguments)
            throws Throwable {
        Object[] given = arguments == null ? new Object[0] : arguments;
        return switch (method.getName()) {
            case "chown", "chmod", "bpfProgAttach" -> null;
            case "bpfProgLoad" -> real.open("/dev/null", FileCalls.O_RDONLY, 0);
            case "openTree" -> real.openat2((Fd) given[0], relative(given), FileCalls.O_PATH, 0);
            case "mkdir" -> {
                delegate(method, given);
                groupAt(Path.of((String) given[0]), group -> fill(group, hierarchyOf(group)));
                yield null;
            }
            case "rmdir" -> {
                groupAt(Path.of((String) given[0]), FakeHost::empty);
                yield delegate(method, given);
            }
            case "write" -> {
                delegate(method, given);
                written(Path.of(real.readlinkat(Fd.AT_FDCWD, "/proc/self/fd/" + number(given))));
                yield null;
            }
            default -> delegate(method, given);
        };
    }

    private static String relative(Object[] given) {
        return (String) given[1];
    }

    private static int number(Object[] given) {
        return ((Fd) given[0]).number();
    }

    private @Nullable Object delegate(Method method, Object[] given) throws Throwable {
        try {
            return method.invoke(real, given);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }

    private void groupAt(Path path, Consumer<Path> work) {
        if (path.startsWith(top.resolve("cgroup"))) {
            work.accept(path);
        }
    }

    private String hierarchyOf(Path group) {
        return top.resolve("cgroup").relativize(group).getName(0).toString();
    }

    /** The kernel removes a group with the files that it shows in it, but not with groups in it. */
    private static void empty(Path group) {
        try (Stream<Path> files = Files.list(group)) {
            for (Path each : files.filter(Files::isRegularFile).toList()) {
                Files.delete(each);
            }
        } catch (IOException e) {
            return; // it is not there: rmdir tells so
        }
    }

    /** What the kernel does when a file of a group is written. */
    private void written(Path file) throws IOException {
        Path group = Objects.requireNonNull(file.getParent());
        switch (Objects.requireNonNull(file.getFileName()).toString()) {
            case "cgroup.freeze" -> {
                boolean frozen = Files.readString(file).startsWith("1");
                events(group, frozen);
            }
            case "cgroup.kill" -> kill(group);
            default -> {}
        }
    }

    private void events(Path group, boolean frozen) {
        Process process = processes.get(group);
        boolean populated = process != null && process.isAlive();
        write(
                group.resolve("cgroup.events"),
                "populated %d\nfrozen %d\n".formatted(populated ? 1 : 0, frozen ? 1 : 0));
    }

    private void kill(Path group) {
        Process process = processes.get(group);
        if (process != null) {
            process.destroyForcibly().onExit().join();
        }
        events(group, false);
    }

    // ---------------------------------------------------------------- the launcher

    /** One that starts a process which sleeps, whatever it is told to launch. */
    public Launcher launcher() {
        return new Launcher(syscalls(), new byte[0], List.of()) {
            @Override
            public Launch launch(LaunchPlan plan, Consumer<Report> listener) {
                return sleep(plan, listener);
            }

            @Override
            public void watch(PidFd pidfd, Runnable ended) {
                Thread.startVirtualThread(ended);
            }
        };
    }

    private Launch sleep(LaunchPlan plan, Consumer<Report> listener) {
        Fd entry = plan.descriptors().cgroup();
        Fd first = entry == null ? plan.descriptors().freezer() : entry;
        Path group =
                Path.of(
                        real.readlinkat(
                                Fd.AT_FDCWD,
                                "/proc/self/fd/" + (first == null ? -1 : first.number())));
        Process process;
        try {
            process = new ProcessBuilder("sleep", "1000").start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        processes.put(group, process);
        int pid = (int) process.pid();
        isPopulated(group, entry != null, pid + "\n");
        List<Duration> phases = List.of(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO);
        Thread.startVirtualThread(
                () -> {
                    listener.accept(new Report.Launched(pid, 1, pid, 1, Instant.now(), phases));
                    process.onExit().join();
                    if (Files.exists(group)) {
                        isPopulated(group, entry != null, "");
                    }
                    listener.accept(new Report.Gone(false));
                });
        return new Launch() {
            @Override
            public void keep() {}

            @Override
            public void close() {
                // a sandbox is left to itself
            }
        };
    }

    private void isPopulated(Path group, boolean unified, String pids) {
        write(group.resolve("cgroup.procs"), pids);
        if (unified) {
            events(group, false);
        }
    }

    /** How many processes of sandboxes live. */
    public long alive() {
        return processes.values().stream().filter(Process::isAlive).count();
    }

    /** The commands of all sandboxes end. */
    public void endAll() {
        processes.values().forEach(Process::destroyForcibly);
    }

    @Override
    public void close() {
        endAll();
    }
}

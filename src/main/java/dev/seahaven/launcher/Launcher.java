package dev.seahaven.launcher;

import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Starts sandboxes: gives plans to monitors and their reports to those who asked. */
public class Launcher implements AutoCloseable {

    private final Syscalls syscalls;
    private final byte[] binary;
    private final List<String> environment;
    private @Nullable Spawner spawner;
    private @Nullable ReportLoop reports;

    /**
     * @param binary the launcher program
     * @param environment of the launcher: empty, but for tests with faults
     */
    public Launcher(Syscalls syscalls, byte[] binary, List<String> environment) {
        this.syscalls = syscalls;
        this.binary = binary;
        this.environment = environment;
    }

    /**
     * The launcher that was built for this machine.
     *
     * @throws IllegalStateException when there is none
     */
    public static byte[] bundled() {
        String arch = "amd64".equals(System.getProperty("os.arch")) ? "x86_64" : "aarch64";
        String resource = "/native/linux-" + arch + "/seahaven-launcher";
        try (InputStream in = Launcher.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("this build has no launcher for " + arch);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Starts the spawner and the thread for reports.
     *
     * @param groups v1 cgroups that all begin in which are launched
     */
    public synchronized void start(List<Path> groups) {
        ReportLoop loop = new ReportLoop(syscalls);
        Spawner process = new Spawner(syscalls, binary, environment, groups);
        process.start();
        loop.start();
        spawner = process;
        reports = loop;
    }

    /**
     * Sends a plan; its descriptors may be closed afterwards. What comes of it is told to {@code
     * listener}, on a thread that must not wait: {@code Launched} or {@code Failed}, {@code
     * Output}, {@code Exited}, and at the end {@code Gone}.
     *
     * @throws SyscallException when it cannot be sent; then nothing comes of it
     */
    public Launch launch(LaunchPlan plan, Consumer<Report> listener) {
        PlanCodec.Encoded encoded = PlanCodec.encode(plan);
        Fd[] pair = syscalls.socketpair();
        ReportLoop.Channel channel = null;
        try (Fd theirs = pair[1]) {
            send(pair[0], encoded);
            channel = reports().open(pair[0], listener);
            spawner().request(theirs);
            return channel;
        } catch (SyscallException e) {
            if (channel == null) {
                pair[0].close();
            } else {
                channel.close();
            }
            throw e;
        }
    }

    /**
     * Whether a monitor takes what it is sent and answers: a plan of no bytes that mean anything,
     * which it refuses.
     */
    public boolean answers(Duration wait) {
        CompletableFuture<Report> first = new CompletableFuture<>();
        Fd[] pair = syscalls.socketpair();
        try (Fd theirs = pair[1]) {
            syscalls.sendmsg(pair[0], new byte[Integer.BYTES], List.of());
            ReportLoop.Channel channel = reports().open(pair[0], first::complete);
            try {
                spawner().request(theirs);
                return first.get(wait.toMillis(), TimeUnit.MILLISECONDS)
                                instanceof Report.Failed failed
                        && failed.stage() == Stage.PLAN;
            } finally {
                channel.close();
            }
        } catch (SyscallException | ExecutionException | TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void send(Fd socket, PlanCodec.Encoded plan) {
        if (plan.bytes().length <= PlanCodec.INLINE_MAX) {
            syscalls.sendmsg(socket, plan.bytes(), plan.fds());
            return;
        }
        try (Fd memfd = Spawner.sealed(syscalls, "seahaven-plan", 0, plan.bytes())) {
            List<Fd> fds = new ArrayList<>(plan.fds());
            fds.add(memfd);
            syscalls.sendmsg(socket, PlanCodec.memfdHeader(), fds);
        }
    }

    /**
     * A memfd with these bytes, sealed, at its beginning: what a program can read as its standard
     * input.
     */
    public Fd input(byte[] bytes) {
        try (Fd memfd = Spawner.sealed(syscalls, "stdin", 0, bytes)) {
            return syscalls.open("/proc/self/fd/" + memfd.number(), Syscalls.O_RDONLY, 0);
        }
    }

    /** Calls {@code ended} when the process has ended, on a thread that must not wait. */
    public void watch(PidFd pidfd, Runnable ended) {
        reports().watch(pidfd, ended);
    }

    /** The process number of the spawner. */
    public int spawnerPid() {
        return spawner().pid();
    }

    private synchronized Spawner spawner() {
        if (spawner == null) {
            throw new IllegalStateException("the launcher is not started");
        }
        return spawner;
    }

    private synchronized ReportLoop reports() {
        if (reports == null) {
            throw new IllegalStateException("the launcher is not started");
        }
        return reports;
    }

    /** Ends the spawner and the thread. Sandboxes run on, runs end. */
    @Override
    public synchronized void close() {
        if (spawner != null) {
            spawner.close();
            spawner = null;
        }
        if (reports != null) {
            reports.close();
            reports = null;
        }
    }
}

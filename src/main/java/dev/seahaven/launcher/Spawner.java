package dev.seahaven.launcher;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The long-lived launcher process that forks monitors. It is started again when it has died;
 * nothing that runs depends on it.
 */
final class Spawner implements AutoCloseable {

    private static final Logger LOG = System.getLogger(Spawner.class.getName());
    private static final int SEALS =
            Syscalls.F_SEAL_SEAL
                    | Syscalls.F_SEAL_SHRINK
                    | Syscalls.F_SEAL_GROW
                    | Syscalls.F_SEAL_WRITE
                    | Syscalls.F_SEAL_EXEC;

    /** Who kills it faster than it can be started means it. */
    private static final int RESTARTS = 5;

    private final Syscalls syscalls;
    private final Fd program;
    private final List<String> environment;
    private @Nullable Running running;

    private record Running(int pid, Fd requests) {}

    /**
     * @param binary the launcher
     * @param environment of the process: nothing, but for tests
     * @param groups cgroups to enter
     */
    Spawner(Syscalls syscalls, byte[] binary, List<String> environment, List<Path> groups) {
        this.syscalls = syscalls;
        this.environment =
                Stream.concat(environment.stream(), groups.stream().map(each -> "GROUP=" + each))
                        .toList();
        this.program = sealed(syscalls, "seahaven-launcher", Syscalls.MFD_EXEC, binary);
    }

    /**
     * A memfd with these bytes that nobody can change any more, not even through {@code
     * /proc/PID/exe}.
     */
    static Fd sealed(Syscalls syscalls, String name, int flags, byte[] bytes) {
        Fd memfd = syscalls.memfdCreate(name, flags | Syscalls.MFD_ALLOW_SEALING);
        try {
            syscalls.write(memfd, bytes);
            syscalls.addSeals(memfd, SEALS);
            return memfd;
        } catch (SyscallException e) {
            memfd.close();
            throw e;
        }
    }

    /** Starts the process and waits until it is ready. */
    synchronized void start() {
        Fd[] pair = syscalls.socketpair();
        int pid;
        try (Fd theirs = pair[1]) {
            pid =
                    syscalls.posixSpawn(
                            "/proc/self/fd/" + program.number(),
                            List.of("seahaven-spawner"),
                            environment,
                            theirs);
        } catch (SyscallException e) {
            pair[0].close();
            throw e;
        }
        if (syscalls.recvmsg(pair[0], 1).bytes().length == 0) {
            pair[0].close();
            syscalls.waitpid(pid);
            throw new SyscallException("spawner(it says why on standard error)", Errno.ECHILD);
        }
        running = new Running(pid, pair[0]);
    }

    /** Hands one end of a monitor's channel over. */
    void request(Fd channel) {
        Running at = current();
        for (int left = RESTARTS; ; left--) {
            try {
                syscalls.sendmsg(at.requests(), new byte[1], List.of(channel));
                return;
            } catch (SyscallException e) {
                if (left == 0 || (e.errno() != Errno.EPIPE && e.errno() != Errno.ECONNRESET)) {
                    throw e;
                }
            }
            at = restart(at);
        }
    }

    private synchronized Running current() {
        if (running == null) {
            throw new IllegalStateException("the spawner is not started");
        }
        return running;
    }

    private synchronized Running restart(Running dead) {
        if (current().equals(dead)) {
            LOG.log(Level.WARNING, "the spawner (pid {0}) has died and is started again", dead.pid);
            dead.requests().close();
            syscalls.waitpid(dead.pid());
            startAgain();
        }
        return current();
    }

    private void startAgain() {
        for (int left = RESTARTS; ; left--) {
            try {
                start();
                return;
            } catch (SyscallException e) {
                if (left == 0 || e.errno() != Errno.ECHILD) {
                    throw e;
                }
            }
        }
    }

    /** The process number, for those who look from outside. */
    int pid() {
        return current().pid();
    }

    @Override
    public synchronized void close() {
        if (running != null) {
            running.requests().close();
            syscalls.waitpid(running.pid());
            running = null;
        }
        program.close();
    }
}

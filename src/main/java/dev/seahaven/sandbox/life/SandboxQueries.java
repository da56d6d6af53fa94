package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Usage;
import dev.seahaven.ids.Mappings;
import dev.seahaven.launcher.Report;
import dev.seahaven.namespace.life.NamespaceUsers;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.sandbox.launch.Inside;
import dev.seahaven.sandbox.launch.SandboxLauncher;
import dev.seahaven.syscall.SyscallException;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** Everything that is asked of sandboxes. Nothing here waits for a change, or makes one. */
public final class SandboxQueries implements NamespaceUsers {

    private final SandboxRegistry registry;
    private final SandboxFiles files;
    private final SandboxLauncher launches;
    private final CompletableFuture<Void> stopping = new CompletableFuture<>();

    SandboxQueries(SandboxRegistry registry, SandboxFiles files, SandboxLauncher launches) {
        this.registry = registry;
        this.files = files;
        this.launches = launches;
    }

    /**
     * @throws Problem 404 when there is none with this id or name
     */
    public Sandbox get(String reference) {
        return registry.get(reference);
    }

    public Collection<Sandbox> all() {
        return registry.all();
    }

    @Override
    public Map<Integer, String> sandboxesByInit() {
        Map<Integer, String> running = new HashMap<>();
        for (Sandbox sandbox : registry.all()) {
            Life life = sandbox.life();
            if (life != null && life.init() != null) {
                running.put(life.init().pid(), sandbox.id().value());
            }
        }
        return running;
    }

    @Override
    public Map<Integer, Long> ownProcesses() {
        Map<Integer, Long> own = new HashMap<>();
        registry.settled().forEach(sandbox -> addOwn(sandbox, own));
        return own;
    }

    private static void addOwn(Sandbox sandbox, Map<Integer, Long> own) {
        Life life = sandbox.life();
        if (life != null) {
            Report.Launched launched = life.launched();
            own.put(launched.monitorPid(), launched.monitorStartTicks());
            if (sandbox.spec().init()) {
                own.put(launched.pid(), launched.startTicks());
            }
        }
    }

    /** Those that run, as a program needs them that is to be in all of one. */
    public List<Inside> running() {
        List<Inside> running = new ArrayList<>();
        for (Sandbox sandbox : registry.all()) {
            Life life = sandbox.life();
            Mappings mappings = sandbox.mappings();
            if (life != null && life.init() != null && mappings != null) {
                running.add(
                        new Inside(
                                sandbox.spec(),
                                life.init(),
                                mappings,
                                launches.cgroup(sandbox.id()),
                                null));
            }
        }
        return running;
    }

    /** Whether sandboxes are given this id of the host, or were. */
    public boolean mayHaveIds(long id) {
        return launches.ids().mayGive(id);
    }

    /** The path of its group below the root of the hierarchy. */
    public String cgroupPath(Sandbox sandbox) {
        return launches.cgroup(sandbox.id()).path();
    }

    /** The file that its monitor logs to. */
    public Path log(Sandbox sandbox) {
        return files.log(sandbox.id());
    }

    /**
     * What a sandbox uses.
     *
     * @throws Problem 409 when it does not run
     */
    public Usage usage(Sandbox sandbox) {
        SandboxCommands.alive(sandbox, "measured; start it first");
        try {
            return launches.cgroup(sandbox.id()).usage();
        } catch (SyscallException e) {
            if (Cgroup.isGone(e)) {
                throw SandboxCommands.wrongState(sandbox, "measured: it has just ended");
            }
            throw e;
        }
    }

    /**
     * Waits for the end of the life that is.
     *
     * @param caller is given what ends the waiting, for when nobody listens any more
     * @throws Problem 408 when the time is over, 409 when it was never started
     */
    public Exit await(String reference, Duration wait, Consumer<Runnable> caller) {
        Sandbox sandbox = registry.get(reference);
        Life life = sandbox.life();
        CompletableFuture<Void> gone = new CompletableFuture<>();
        caller.accept(() -> gone.complete(null));
        if (life != null
                && !Lives.ended(CompletableFuture.anyOf(life.ended(), stopping, gone), wait)) {
            throw new Problem(
                    ProblemType.WAIT_EXPIRED,
                    "The sandbox " + sandbox.id() + " still runs; wait again.");
        }
        if (life != null && !life.ended().isDone()) {
            throw Lives.stopping();
        }
        Exit exit = sandbox.state().exit();
        if (exit == null) {
            throw SandboxCommands.wrongState(sandbox, "waited for; start it first");
        }
        return exit;
    }

    /** Answers everybody who waits: the daemon stops. */
    void stopWaiting() {
        stopping.complete(null);
    }
}

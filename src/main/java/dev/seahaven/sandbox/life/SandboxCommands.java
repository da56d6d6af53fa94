package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.claim.Claims;
import dev.seahaven.ids.IdRanges;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.problem.Violations;
import dev.seahaven.sandbox.guard.DiskGuard;
import dev.seahaven.sandbox.launch.SandboxLauncher;
import dev.seahaven.sandbox.launch.Sharing;
import dev.seahaven.sandbox.life.SandboxState.Status;
import dev.seahaven.sandbox.root.RootSource;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxSettings;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.syscall.Signal;
import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Everything that changes a sandbox. One change of a sandbox is made at a time; reads never wait
 * for it.
 */
public final class SandboxCommands {

    /** Checks the version of a sandbox before anything is done. */
    @FunctionalInterface
    public interface Precondition extends Consumer<Sandbox> {}

    private final SandboxRegistry registry;
    private final SandboxFiles files;
    private final SandboxStore store;
    private final SandboxLauncher launches;
    private final Lives lives;
    private final LiveLimits liveLimits;
    private final DiskGuard disk;
    private final SandboxSettings settings;

    SandboxCommands(
            SandboxRegistry registry,
            SandboxFiles files,
            SandboxStore store,
            SandboxLauncher launches,
            Lives lives,
            LiveLimits liveLimits,
            DiskGuard disk,
            SandboxSettings settings) {
        this.registry = registry;
        this.files = files;
        this.store = store;
        this.launches = launches;
        this.lives = lives;
        this.liveLimits = liveLimits;
        this.disk = disk;
        this.settings = settings;
    }

    private <T> T change(Sandbox sandbox, Precondition expected, Supplier<T> work) {
        return sandbox.change(
                settings.changeTimeout(),
                () -> {
                    if (registry.lookUp(sandbox.id().value()).isEmpty()) {
                        throw Problem.notFound("sandbox", sandbox.id().value());
                    }
                    expected.accept(sandbox);
                    return work.get();
                });
    }

    // ---------------------------------------------------------------- made and removed

    /** Makes a sandbox and, where it was asked for, starts it; after a failure nothing is left. */
    public Sandbox create(SandboxSpec asked) {
        if (RootSource.isOnDisk(asked)) {
            disk.checkRoom();
        }
        Claims claims = new Claims();
        try {
            SandboxId id = registry.newId();
            registry.claimName(asked.name(), id);
            claims.add(() -> registry.releaseName(asked.name()));
            SandboxSpec spec = launches.claimIds(asked, claims);
            checkReferences(spec);
            Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
            Sandbox sandbox = new Sandbox(id, now, spec);
            claims.add(() -> files.remove(id));
            files.create(id);
            store.draft(sandbox, spec);
            if (spec.start()) {
                lives.begin(sandbox);
                claims.add(() -> lives.kill(sandbox));
            }
            store.commit(id);
            registry.add(sandbox);
            claims.keep();
            return sandbox;
        } catch (RuntimeException e) {
            throw claims.undo(e);
        }
    }

    /**
     * Checks that the sandboxes are there whose namespaces are to be shared.
     *
     * @throws Problem 400 with the members that name one that is not
     */
    public void checkReferences(SandboxSpec spec) {
        Violations wrong = new Violations();
        Sharing.references(spec)
                .forEach(
                        (reference, field) ->
                                wrong.require(
                                        registry.lookUp(reference).isPresent(),
                                        field,
                                        "there is no sandbox '" + reference + "' to share with"));
        wrong.throwIfAny();
    }

    /** Destroys a sandbox. */
    public void delete(String reference, boolean force, Precondition expected) {
        Sandbox sandbox = registry.get(reference);
        change(
                sandbox,
                expected,
                () -> {
                    checkSharers(sandbox, force);
                    Life life = sandbox.life();
                    if (life != null && !force) {
                        throw wrongState(sandbox, "deleted; stop it first, or give force=true");
                    }
                    sandbox.removed();
                    lives.kill(sandbox);
                    remove(sandbox);
                    return sandbox;
                });
    }

    private void checkSharers(Sandbox sandbox, boolean force) {
        List<Sandbox> sharers = registry.sharersOf(sandbox);
        if (sharers.isEmpty() || force) {
            return;
        }
        throw new Problem(
                        ProblemType.IN_USE,
                        "Other sandboxes share namespaces of "
                                + sandbox.id()
                                + "; delete them first, or give force=true.")
                .with("holders", sharers.stream().map(SandboxCommands::holder).toList());
    }

    private static Map<String, String> holder(Sandbox sharer) {
        return Map.of("kind", "sandbox", "id", sharer.id().value());
    }

    private void remove(Sandbox sandbox) {
        lives.cgroup(sandbox.id()).remove();
        files.remove(sandbox.id());
        IdRanges ids = launches.ids();
        ids.giveBack(sandbox.spec().namespaces().user().uidMappings());
        ids.giveBack(sandbox.spec().namespaces().user().gidMappings());
        registry.remove(sandbox);
    }

    // ---------------------------------------------------------------- lives

    public Sandbox start(String reference, Precondition expected) {
        Sandbox sandbox = registry.get(reference);
        return change(
                sandbox,
                expected,
                () -> {
                    if (!sandbox.state().status().canStart()) {
                        throw wrongState(sandbox, "started; stop it first");
                    }
                    lives.begin(sandbox);
                    return sandbox;
                });
    }

    /** Asks the command to end and, after the time, kills all. */
    public Sandbox stop(
            String reference, Duration wait, @Nullable Signal signal, Precondition expected) {
        Sandbox sandbox = registry.get(reference);
        return change(
                sandbox,
                expected,
                () -> {
                    end(sandbox, alive(sandbox, "stopped"), wait, signal);
                    return sandbox;
                });
    }

    private void end(Sandbox sandbox, Life life, Duration wait, @Nullable Signal signal) {
        lives.markEnding(sandbox, life, Exit.Reason.STOPPED);
        thaw(sandbox);
        lives.end(
                sandbox,
                life,
                wait,
                Objects.requireNonNullElse(signal, sandbox.spec().stopSignal()));
    }

    /** Sends a signal to the command; KILL ends every process, at once. */
    public Sandbox kill(String reference, Signal signal, Precondition expected) {
        Sandbox sandbox = registry.get(reference);
        return change(
                sandbox,
                expected,
                () -> {
                    Life life = alive(sandbox, "killed");
                    if (signal.equals(Signal.STOP) && sandbox.spec().init()) {
                        throw Problem.invalid(
                                "signal", "would stop the init and not the command; pause it");
                    }
                    if (signal.equals(Signal.KILL)) {
                        lives.markEnding(sandbox, life, Exit.Reason.SIGNALED);
                        lives.kill(sandbox);
                    } else {
                        lives.send(life, signal);
                    }
                    return sandbox;
                });
    }

    public Sandbox restart(String reference, Duration wait, Precondition expected) {
        Sandbox sandbox = registry.get(reference);
        return change(
                sandbox,
                expected,
                () -> {
                    Life life = sandbox.life();
                    if (life != null) {
                        lives.check(sandbox);
                        end(sandbox, life, wait, null);
                    }
                    lives.begin(sandbox);
                    sandbox.change(SandboxState::restarted);
                    store.write(sandbox);
                    return sandbox;
                });
    }

    /** Kills everything in a sandbox because it takes too much of what all share. */
    void end(Sandbox sandbox, Exit.Reason why) {
        Life life = sandbox.life();
        if (life != null) {
            lives.markEnding(sandbox, life, why);
            lives.killAll(sandbox.id());
        }
    }

    static Life alive(Sandbox sandbox, String what) {
        Life life = sandbox.life();
        if (life == null) {
            throw wrongState(sandbox, what);
        }
        return life;
    }

    static Problem wrongState(Sandbox sandbox, String what) {
        return new Problem(
                ProblemType.WRONG_STATE,
                "The sandbox "
                        + sandbox.id()
                        + " is "
                        + sandbox.state().status().text()
                        + " and cannot be "
                        + what
                        + ".");
    }

    public Sandbox pause(String reference, Precondition expected) {
        Sandbox sandbox = registry.get(reference);
        return change(
                sandbox,
                expected,
                () -> {
                    if (sandbox.state().status() != Status.RUNNING) {
                        throw wrongState(sandbox, "paused");
                    }
                    inGroup(sandbox, "paused", Cgroup::freeze);
                    sandbox.change(SandboxState::paused);
                    return sandbox;
                });
    }

    public Sandbox resume(String reference, Precondition expected) {
        Sandbox sandbox = registry.get(reference);
        return change(
                sandbox,
                expected,
                () -> {
                    if (sandbox.state().status() != Status.PAUSED) {
                        throw wrongState(sandbox, "resumed");
                    }
                    thaw(sandbox);
                    return sandbox;
                });
    }

    private void thaw(Sandbox sandbox) {
        if (sandbox.state().status() == Status.PAUSED) {
            inGroup(sandbox, "resumed", Cgroup::thaw);
            sandbox.change(SandboxState::resumed);
        }
    }

    private void inGroup(Sandbox sandbox, String what, Consumer<Cgroup> work) {
        try {
            work.accept(lives.cgroup(sandbox.id()));
        } catch (SyscallException e) {
            if (Cgroup.isGone(e)) {
                throw wrongState(sandbox, what + ": it has just ended");
            }
            throw e;
        }
    }

    // ---------------------------------------------------------------- the specification

    /** One that ends meanwhile is changed as one that does not run. */
    private void change(
            Sandbox sandbox, Life life, SandboxSpec before, SandboxSpec after, Claims claims) {
        Cgroup cgroup = lives.cgroup(sandbox.id());
        whileAlive(life, cgroup, () -> liveLimits.change(cgroup, before.limits(), after.limits()));
        claims.add(
                () ->
                        whileAlive(
                                life,
                                cgroup,
                                () -> liveLimits.undo(cgroup, before.limits(), after.limits())));
    }

    private void whileAlive(Life life, Cgroup cgroup, Runnable change) {
        try {
            change.run();
        } catch (RuntimeException e) {
            if (!lives.isOver(life)) {
                throw e;
            }
        }
        if (lives.isOver(life)) {
            cgroup.remove(); // the change may have made it again
        }
    }

    /**
     * Changes name, labels and limits, also of one that runs. What is to be is on disk before
     * anything is done: a daemon that is killed within leaves it to the next ({@link
     * SandboxRecovery}).
     *
     * @param patch from the specification that is to the one that is to be
     */
    public Sandbox patch(
            String reference, UnaryOperator<SandboxSpec> patch, Precondition expected) {
        Sandbox sandbox = registry.get(reference);
        return change(
                sandbox,
                expected,
                () -> {
                    SandboxSpec before = sandbox.spec();
                    SandboxSpec after = patch.apply(before);
                    Claims claims = new Claims();
                    try {
                        if (after.name() != null && !after.name().equals(before.name())) {
                            registry.claimName(after.name(), sandbox.id());
                            claims.add(() -> registry.releaseName(after.name()));
                        }
                        claims.add(() -> store.discard(sandbox.id()));
                        store.draft(sandbox, after);
                        Life life = sandbox.life();
                        if (life != null) {
                            change(sandbox, life, before, after, claims);
                        }
                        store.commit(sandbox.id());
                        claims.keep();
                    } catch (RuntimeException e) {
                        throw claims.undo(e);
                    }
                    sandbox.spec(after);
                    if (!Objects.equals(before.name(), after.name())) {
                        registry.releaseName(before.name());
                    }
                    return sandbox;
                });
    }
}

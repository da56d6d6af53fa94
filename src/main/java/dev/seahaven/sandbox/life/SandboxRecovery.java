package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Usage.Evidence;
import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.claim.Residue;
import dev.seahaven.ids.IdMapping;
import dev.seahaven.launcher.Report;
import dev.seahaven.problem.Problem;
import dev.seahaven.sandbox.launch.SandboxLauncher;
import dev.seahaven.sandbox.spec.SandboxId;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.store.NewerDocumentException;
import dev.seahaven.store.UnreadableDocumentException;

import tools.jackson.databind.JsonNode;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Puts together what a daemon left that was stopped or killed at any point. A sandbox is there when
 * its record is; one that has nothing but the draft of a record was never told to anybody, and is
 * undone. When all records are read every name, id and range of ids is known, and the daemon can
 * answer: how a sandbox lives or has ended is found out after that, at once for whoever asks for
 * it.
 */
public final class SandboxRecovery {

    private static final Logger LOG = System.getLogger(SandboxRecovery.class.getName());

    private final SandboxFiles files;
    private final SandboxStore store;
    private final SandboxRegistry registry;
    private final SandboxLauncher launches;
    private final Cgroups cgroups;
    private final LiveLimits live;
    private final Lives lives;
    private final Residue residue;
    private final boolean sameBoot;
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();
    private final AtomicInteger undone = new AtomicInteger();
    private final Queue<String> setAside = new ConcurrentLinkedQueue<>();
    private final Set<String> untouched = ConcurrentHashMap.newKeySet();
    private volatile Set<String> groups = Set.of();
    private volatile CompletableFuture<Void> background = CompletableFuture.completedFuture(null);
    private volatile boolean stopped;

    SandboxRecovery(
            SandboxFiles files,
            SandboxStore store,
            SandboxRegistry registry,
            SandboxLauncher launches,
            Cgroups cgroups,
            LiveLimits live,
            Lives lives,
            Residue residue,
            boolean sameBoot) {
        this.files = files;
        this.store = store;
        this.registry = registry;
        this.launches = launches;
        this.cgroups = cgroups;
        this.live = live;
        this.lives = lives;
        this.residue = residue;
        this.sameBoot = sameBoot;
    }

    /** A record that can be read, with what it says. */
    private record Whole(StoredSandbox stored, SandboxSpec spec) {}

    /** What a start of the daemon found. */
    public record Found(int running, int ended, int undone, List<String> setAside) {}

    /**
     * Reads all records.
     *
     * @return what was found, when that is known of each
     */
    CompletableFuture<Found> run() {
        Queue<Sandbox> found = new ConcurrentLinkedQueue<>();
        await(
                onAllProcessors(
                        files.stored(), name -> recoverOrSetAside(name).ifPresent(found::add)));
        Set<String> runs = Set.copyOf(files.running());
        runs.stream().filter(name -> !isKnown(name)).forEach(this::clearRun);
        cgroups.removeEmptyThatOutlive();
        groups = Set.copyOf(cgroups.children());
        List<Runnable> work = new ArrayList<>();
        found.forEach(sandbox -> work.add(() -> settleIfPossible(sandbox)));
        groups.stream()
                .filter(name -> !isKnown(name) && !Cgroups.outlives(name))
                .forEach(name -> work.add(() -> clearGroup(name)));
        return onAllProcessors(work, Runnable::run)
                .thenApply(
                        done ->
                                new Found(
                                        running.get(),
                                        ended.get(),
                                        undone.get(),
                                        List.copyOf(setAside)));
    }

    /** The daemon stops: the next one does what is left. */
    void stop() {
        stopped = true;
        background.exceptionally(failure -> null).join(); // who began it was told why
    }

    private void clearGroup(String name) {
        clear(
                "cgroup",
                cgroups.directory().resolve(name).toString(),
                "it lies below the daemon's own, and no sandbox has its name",
                () -> cgroups.of(name).remove());
    }

    private void clearRun(String name) {
        clear(
                "run-directory",
                name,
                "it lies in the daemon's own, and no sandbox has its name",
                () -> files.removeRun(name));
    }

    /** A process that cannot be killed is no reason not to start: what it holds is told. */
    private void clear(String kind, String name, String proof, Runnable removal) {
        residue.remove(kind, name, proof, removal)
                .ifPresent(
                        item -> {
                            String what = item.key() + " cannot be removed: " + item.problem();
                            LOG.log(Level.ERROR, "the {0}", what);
                            setAside.add("the " + what);
                        });
    }

    private <T> CompletableFuture<Void> onAllProcessors(Collection<T> all, Consumer<T> work) {
        Queue<T> left = new ConcurrentLinkedQueue<>(all);
        background =
                CompletableFuture.allOf(
                        IntStream.range(0, Runtime.getRuntime().availableProcessors())
                                .mapToObj(number -> inThread(() -> workOff(left, work)))
                                .toArray(CompletableFuture<?>[]::new));
        return background;
    }

    private static CompletableFuture<Void> inThread(Runnable work) {
        return CompletableFuture.runAsync(
                work, each -> Thread.ofPlatform().daemon().name("seahaven-recovery").start(each));
    }

    private <T> void workOff(Queue<T> left, Consumer<T> work) {
        for (T next = left.poll(); next != null && !stopped; next = left.poll()) {
            work.accept(next);
        }
    }

    private static void await(CompletableFuture<?> work) {
        try {
            work.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** Where it fails, whoever asks for the sandbox is told, and it is tried again. */
    private void settleIfPossible(Sandbox sandbox) {
        try {
            sandbox.settle();
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "how sandbox " + sandbox.id() + " is cannot be read yet", e);
        }
    }

    private Optional<Sandbox> recoverOrSetAside(String name) {
        try {
            return recover(name);
        } catch (NewerDocumentException e) {
            untouched.add(name);
            reserve(e.document());
            setAside.add(e.getMessage() + "; it was left as it is");
        } catch (UnreadableDocumentException | Problem e) { // or its name is another's
            setAside.add(e.getMessage() + "; it is now " + store.setAside(name));
        }
        return Optional.empty();
    }

    /** Whether it is a sandbox of this daemon, or of a newer one. */
    private boolean isKnown(String name) {
        return untouched.contains(name) || registry.knows(name);
    }

    private Optional<Sandbox> recover(String name) {
        SandboxId id = id(name);
        Optional<Whole> read = store.read(id).map(stored -> whole(id, stored));
        Optional<Whole> draft = draft(id);
        if (read.isEmpty()) {
            if (draft.isEmpty() && !files.isHardlyBegun(id)) {
                throw new UnreadableDocumentException(
                        "the record of sandbox " + id + " is missing");
            }
            undo(id);
            return Optional.empty();
        }
        Whole whole = draft.isPresent() ? settle(read.get(), draft.get()) : read.get();
        Sandbox sandbox =
                new Sandbox(
                        id,
                        whole.stored.createdAt(),
                        whole.spec,
                        found -> findOut(found, whole.stored));
        takeIds(sandbox.spec());
        registry.claimName(sandbox.spec().name(), id);
        registry.add(sandbox);
        return Optional.of(sandbox);
    }

    private void findOut(Sandbox sandbox, StoredSandbox stored) {
        life(sandbox, stored);
        if (!sameBoot) {
            files.resetLayers(sandbox.id()); // written through a volatile overlay
        }
        if (sandbox.life() == null) {
            if (groups.contains(sandbox.id().value())) {
                clearGroup(sandbox.id().value());
            }
            ended.incrementAndGet();
        } else {
            running.incrementAndGet();
        }
    }

    /** Its last life: as its end was stored, or one whose end nobody has stored yet. */
    private void life(Sandbox sandbox, StoredSandbox stored) {
        SandboxId id = sandbox.id();
        SandboxState state = SandboxState.created(stored.restarts());
        Optional<StoredEnd> end = end(id);
        Exit failed = stored.failed();
        sandbox.state(
                end.map(known -> known.applied(state))
                        .orElse(failed == null ? state : state.failed(failed)));
        boolean known = end.isPresent() || failed != null;
        Optional<Report.Launched> record =
                sameBoot ? files.readRun(id) : Optional.<Report.Launched>empty();
        boolean told = record.filter(launched -> isOf(end, launched)).isPresent();
        Optional<Report.Launched> run = told ? Optional.empty() : record;
        Optional<Report.Exited> exit =
                files.readExit(id).filter(exited -> !isOf(end, exited.launched()));
        if (run.isPresent()) {
            lives.resume(sandbox, run.get());
        } else if (exit.isPresent()) {
            Evidence evidence = launches.cgroup(id).evidence();
            lives.over(
                    sandbox,
                    exit.get().launched().startedAt(),
                    Exit.of(exit.get(), files.readEnding(id), evidence));
        } else if ((files.hasBegun(id) && !told) || (!known && sandbox.spec().start())) {
            lives.over(sandbox, null, Exit.monitorLost()); // with the host, or with its monitor
        } else {
            files.clearLife(id);
        }
    }

    private static boolean isOf(Optional<StoredEnd> end, Report.Launched life) {
        return end.filter(last -> last.isOf(life)).isPresent();
    }

    private Optional<StoredEnd> end(SandboxId id) {
        try {
            return store.readEnd(id);
        } catch (UnreadableDocumentException e) {
            LOG.log(Level.WARNING, "how sandbox " + id + " ended is not known", e);
            return Optional.empty();
        }
    }

    /**
     * @throws UnreadableDocumentException when what bears the name is no sandbox, and so not ours
     */
    private SandboxId id(String name) {
        if (!SandboxId.isId(name)) {
            throw new UnreadableDocumentException("'" + name + "' is not the id of a sandbox");
        }
        SandboxId id = new SandboxId(name);
        if (!Files.isDirectory(files.directory(id), LinkOption.NOFOLLOW_LINKS)) {
            throw new UnreadableDocumentException(files.directory(id) + " is no directory");
        }
        return id;
    }

    /**
     * @throws UnreadableDocumentException when a member is missing, or has a value that none can be
     */
    private static Whole whole(SandboxId id, StoredSandbox stored) {
        try {
            SandboxSpec spec = stored.specification();
            stored.failed();
            Objects.requireNonNull(stored.createdAt(), "createdAt");
            if (!stored.sandboxId().equals(id)) {
                throw new IllegalArgumentException("it is of " + stored.id());
            }
            return new Whole(stored, spec);
        } catch (IllegalArgumentException | NullPointerException e) {
            throw new UnreadableDocumentException(
                    "what is stored of sandbox " + id + " cannot be read: " + e.getMessage(), e);
        }
    }

    private Optional<Whole> draft(SandboxId id) {
        try {
            return store.readDraft(id).map(stored -> whole(id, stored));
        } catch (UnreadableDocumentException e) {
            return Optional.empty(); // as one that was cut
        }
    }

    /** The ids and the name of a newer daemon's sandbox, which may run, are given to no other. */
    private void reserve(JsonNode newer) {
        List<IdMapping> ids = new ArrayList<>();
        for (String member : List.of("uidMappings", "gidMappings")) {
            newer.findValues(member).stream()
                    .flatMap(JsonNode::valueStream)
                    .filter(range -> range.path("length").canConvertToLong())
                    .map(
                            range ->
                                    new IdMapping(
                                            range.path("inside").asLong(0),
                                            range.path("outside").asLong(0),
                                            range.path("length").asLong(0)))
                    .forEach(ids::add);
        }
        take(ids);
        JsonNode id = newer.path("id");
        JsonNode name = newer.path("spec").path("name");
        if (name.isString() && SandboxId.isId(id.asString(""))) {
            registry.claimName(name.asString(), new SandboxId(id.asString()));
        }
    }

    /**
     * A change that was cut short, perhaps while all was frozen for it, is made again from its
     * start; where it is refused, it never was.
     */
    private Whole settle(Whole stored, Whole draft) {
        SandboxId id = stored.stored.sandboxId();
        try {
            if (cgroups.children().contains(id.value())) {
                change(launches.cgroup(id), stored, draft);
            }
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "what was to change of sandbox " + id + " stays as it was", e);
            store.discard(id);
            return stored;
        }
        store.commit(id);
        return draft;
    }

    private void change(Cgroup cgroup, Whole stored, Whole draft) {
        try {
            live.change(cgroup, stored.spec.limits(), draft.spec.limits());
        } finally {
            if (!Boolean.TRUE.equals(draft.stored.paused()) && cgroup.isFrozen()) {
                cgroup.thaw();
            }
        }
    }

    private void undo(SandboxId id) {
        if (cgroups.children().contains(id.value())) {
            clearGroup(id.value());
        }
        files.remove(id);
        undone.incrementAndGet();
    }

    private void takeIds(SandboxSpec spec) {
        take(
                Stream.concat(
                                spec.namespaces().user().uidMappings().stream(),
                                spec.namespaces().user().gidMappings().stream())
                        .toList());
    }

    private void take(List<IdMapping> ids) {
        if (!launches.ids().take(ids)) {
            LOG.log(Level.WARNING, "ids of {0} are those of another sandbox too", ids);
        }
    }
}

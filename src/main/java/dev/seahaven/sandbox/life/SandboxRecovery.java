package dev.seahaven.sandbox.life;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.host.Cgroups;
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
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Puts together what a daemon left that was stopped or killed at any point. A sandbox is whole when
 * its specification is there and, if it was to be started at once, its command was executed or it
 * had a life before; anything less is undone.
 */
public final class SandboxRecovery {

    /** Takes up a life. */
    @FunctionalInterface
    interface Resume {
        void resume(Sandbox sandbox, Report.Launched launched);
    }

    private static final Logger LOG = System.getLogger(SandboxRecovery.class.getName());

    private final SandboxFiles files;
    private final SandboxStore store;
    private final SandboxRegistry registry;
    private final SandboxLauncher launches;
    private final Cgroups cgroups;
    private final LiveLimits live;
    private final boolean sameBoot;
    private int running;
    private int ended;
    private int undone;
    private final List<String> setAside = new ArrayList<>();
    private final Set<String> untouched = new HashSet<>();

    SandboxRecovery(
            SandboxFiles files,
            SandboxStore store,
            SandboxRegistry registry,
            SandboxLauncher launches,
            Cgroups cgroups,
            LiveLimits live,
            boolean sameBoot) {
        this.files = files;
        this.store = store;
        this.registry = registry;
        this.launches = launches;
        this.cgroups = cgroups;
        this.live = live;
        this.sameBoot = sameBoot;
    }

    /** What a start of the daemon found. */
    public record Found(int running, int ended, int undone, List<String> setAside) {}

    Found run(Resume resume) {
        for (String name : files.stored()) {
            try {
                recover(name, resume);
            } catch (NewerDocumentException e) {
                untouched.add(name);
                reserve(e.document());
                setAside.add(e.getMessage() + "; it was left as it is");
            } catch (UnreadableDocumentException | Problem e) { // or its name is another's
                setAside.add(e.getMessage() + "; it is now " + store.setAside(name));
            }
        }
        files.running().stream().filter(name -> !isKnown(name)).forEach(files::removeRun);
        for (String name : cgroups.children()) {
            boolean lives =
                    registry.lookUp(name).filter(sandbox -> sandbox.life() != null).isPresent();
            if (!lives && !untouched.contains(name)) {
                cgroups.of(name).remove();
            }
        }
        return new Found(running, ended, undone, List.copyOf(setAside));
    }

    /** Whether it is a sandbox of this daemon, or of a newer one. */
    private boolean isKnown(String name) {
        return untouched.contains(name) || registry.lookUp(name).isPresent();
    }

    private void recover(String name, Resume resume) {
        SandboxId id = id(name);
        Optional<StoredSandbox> read = store.read(id).map(stored -> whole(id, stored));
        if (read.isEmpty() || isHalfMade(id, read.get())) {
            undo(id);
            return;
        }
        Optional<StoredSandbox> draft = draft(id);
        StoredSandbox stored = draft.isPresent() ? settle(read.get(), draft.get()) : read.get();
        Sandbox sandbox = new Sandbox(id, stored.createdAt(), stored.specification());
        takeIds(sandbox.spec());
        registry.claimName(sandbox.spec().name(), id);
        registry.add(sandbox);
        SandboxState state = SandboxState.created(stored.restarts());
        Exit failed = stored.failed();
        sandbox.state(failed == null ? state : state.failed(failed));
        Optional<Report.Exited> exit = files.readExit(id);
        exit.ifPresent(report -> sandbox.state(ended(state, id, report)));
        Optional<Report.Launched> run = files.readRun(id);
        if (sameBoot && run.isPresent()) {
            resume.resume(sandbox, run.get());
        } else if (!sameBoot) {
            files.resetLayers(id); // written through a volatile overlay
            if (exit.isEmpty() && failed == null && sandbox.spec().start()) {
                sandbox.state(state.ended(Exit.monitorLost())); // it ended with the host
            }
        }
        if (sandbox.life() == null) {
            ended++;
        } else {
            running++;
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
    private static StoredSandbox whole(SandboxId id, StoredSandbox stored) {
        try {
            stored.specification();
            stored.failed();
            Objects.requireNonNull(stored.createdAt(), "createdAt");
            if (!stored.sandboxId().equals(id)) {
                throw new IllegalArgumentException("it is of " + stored.id());
            }
            return stored;
        } catch (IllegalArgumentException | NullPointerException e) {
            throw new UnreadableDocumentException(
                    "what is stored of sandbox " + id + " cannot be read: " + e.getMessage(), e);
        }
    }

    private Optional<StoredSandbox> draft(SandboxId id) {
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

    private SandboxState ended(SandboxState state, SandboxId id, Report.Exited report) {
        Exit exit = Exit.of(report, files.readEnding(id), files.readEvidence(id));
        return state.running(report.launched().pid(), report.launched().startedAt()).ended(exit);
    }

    /**
     * It was to be started at once, and no sign is there that its command was ever executed. After
     * a reboot the signs are gone, so nobody can tell, and nothing is thrown away.
     */
    private boolean isHalfMade(SandboxId id, StoredSandbox stored) {
        return sameBoot
                && stored.spec().start()
                && stored.failure() == null
                && files.readRun(id).isEmpty()
                && files.readExit(id).isEmpty();
    }

    /**
     * A change that was cut short, perhaps while all was frozen for it, is made again from its
     * start; where it is refused, it never was.
     */
    private StoredSandbox settle(StoredSandbox stored, StoredSandbox draft) {
        SandboxId id = stored.sandboxId();
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

    private void change(Cgroup cgroup, StoredSandbox stored, StoredSandbox draft) {
        try {
            live.change(cgroup, stored.specification().limits(), draft.specification().limits());
        } finally {
            if (!Boolean.TRUE.equals(draft.paused()) && cgroup.isFrozen()) {
                cgroup.thaw();
            }
        }
    }

    private void undo(SandboxId id) {
        if (cgroups.children().contains(id.value())) {
            launches.cgroup(id).remove();
        }
        files.remove(id);
        undone++;
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

package dev.seahaven.sandbox;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Cgroups;
import dev.seahaven.launcher.Report;
import dev.seahaven.web.Problem;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Puts together what a daemon left that was stopped or killed at any point. A sandbox is whole when
 * its specification is there and, if it was to be started at once, its command was executed or it
 * had a life before; anything less is undone.
 */
final class SandboxRecovery {

    /** Takes up a life. */
    @FunctionalInterface
    interface Resume {
        void resume(Sandbox sandbox, Report.Launched launched);
    }

    private static final Logger LOG = System.getLogger(SandboxRecovery.class.getName());

    private final SandboxFiles files;
    private final SandboxRegistry registry;
    private final SandboxLauncher launches;
    private final Cgroups cgroups;
    private final LiveLimits live;
    private final boolean sameBoot;
    private int running;
    private int ended;
    private int undone;
    private final List<String> setAside = new ArrayList<>();

    SandboxRecovery(
            SandboxFiles files,
            SandboxRegistry registry,
            SandboxLauncher launches,
            Cgroups cgroups,
            LiveLimits live,
            boolean sameBoot) {
        this.files = files;
        this.registry = registry;
        this.launches = launches;
        this.cgroups = cgroups;
        this.live = live;
        this.sameBoot = sameBoot;
    }

    SandboxService.Recovery run(Resume resume) {
        for (String name : files.stored()) {
            try {
                recover(name, resume);
            } catch (IllegalArgumentException | Problem e) { // or its name is another's
                setAside.add(e.getMessage() + "; it is now " + files.setAside(name));
            }
        }
        files.running().stream()
                .filter(name -> registry.find(name).isEmpty())
                .forEach(files::removeRun);
        for (String name : cgroups.children()) {
            if (registry.find(name).filter(sandbox -> sandbox.life() != null).isEmpty()) {
                cgroups.of(name).remove();
            }
        }
        return new SandboxService.Recovery(running, ended, undone, List.copyOf(setAside));
    }

    private void recover(String name, Resume resume) {
        SandboxId id = new SandboxId(name);
        SandboxFiles.Stored stored = files.read(id);
        if (stored == null || isHalfMade(id, stored)) {
            undo(id);
            return;
        }
        SandboxFiles.Stored draft = files.readDraft(id);
        if (draft != null) {
            stored = settle(stored, draft);
        }
        Sandbox sandbox = new Sandbox(id, stored.createdAt(), stored.spec());
        takeIds(stored.spec());
        registry.claimName(stored.spec().name(), id);
        registry.add(sandbox);
        SandboxState state =
                new SandboxState(
                        SandboxState.Status.CREATED, null, null, null, stored.restarts(), null);
        sandbox.state(state);
        Optional<Report.Exited> exit = files.readExit(id);
        Optional<Report.Launched> run = files.readRun(id);
        if (stored.failure() != null) {
            sandbox.state(state.failed(stored.failure()));
        }
        exit.ifPresent(
                report ->
                        sandbox.state(
                                state.running(
                                                report.launched().pid(),
                                                report.launched().startedAt())
                                        .ended(
                                                Exit.of(
                                                        report,
                                                        files.readEnding(id),
                                                        files.readEvidence(id)))));
        if (sameBoot && run.isPresent()) {
            resume.resume(sandbox, run.get());
        } else if (!sameBoot) {
            files.resetLayers(id); // written through a volatile overlay
            if (exit.isEmpty() && stored.failure() == null && stored.spec().start()) {
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
     * It was to be started at once, and no sign is there that its command was ever executed. After
     * a reboot the signs are gone, so nobody can tell, and nothing is thrown away.
     */
    private boolean isHalfMade(SandboxId id, SandboxFiles.Stored stored) {
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
    private SandboxFiles.Stored settle(SandboxFiles.Stored stored, SandboxFiles.Stored draft) {
        SandboxId id = stored.id();
        try {
            if (cgroups.children().contains(id.value())) {
                change(launches.cgroup(id), stored, draft);
            }
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "what was to change of sandbox " + id + " stays as it was", e);
            files.discard(id);
            return stored;
        }
        files.commit(id);
        return draft;
    }

    private void change(Cgroup cgroup, SandboxFiles.Stored stored, SandboxFiles.Stored draft) {
        try {
            live.change(cgroup, stored.spec().limits(), draft.spec().limits());
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
        launches.ids()
                .take(
                        Stream.concat(
                                        spec.namespaces().user().uidMappings().stream(),
                                        spec.namespaces().user().gidMappings().stream())
                                .toList());
    }
}

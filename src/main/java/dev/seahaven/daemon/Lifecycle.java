package dev.seahaven.daemon;

import dev.seahaven.access.Token;
import dev.seahaven.cgroup.host.Cgroups;
import dev.seahaven.exec.Runs;
import dev.seahaven.launcher.Launcher;
import dev.seahaven.namespace.life.Namespaces;
import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.sandbox.life.SandboxRecovery;
import dev.seahaven.sandbox.life.Sandboxes;
import dev.seahaven.system.StartReport;

import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** Start, recovery and stop, in order. It begins before the listeners and ends after them. */
@Component
class Lifecycle implements SmartLifecycle {

    private static final Logger LOG = System.getLogger(Lifecycle.class.getName());
    private static final int OOM_SCORE = -900;

    private final Directories directories;
    private final Token token;
    private final Cgroups cgroups;
    private final Launcher launcher;
    private final Sandboxes sandboxes;
    private final Runs runs;
    private final Namespaces namespaces;
    private final StartReport report;
    private final ProcRoot proc;
    private volatile boolean running;

    Lifecycle(
            Directories directories,
            Token token,
            Cgroups cgroups,
            Launcher launcher,
            Sandboxes sandboxes,
            Runs runs,
            Namespaces namespaces,
            StartReport report,
            ProcRoot proc) {
        this.directories = directories;
        this.token = token;
        this.cgroups = cgroups;
        this.launcher = launcher;
        this.sandboxes = sandboxes;
        this.runs = runs;
        this.namespaces = namespaces;
        this.report = report;
        this.proc = proc;
    }

    @Override
    public void start() {
        directories.lock();
        boolean sameBoot = directories.isSameBoot(proc);
        token.load();
        if (!cgroups.prepare()) {
            throw CannotStartException.anotherRuns(cgroups.directory());
        }
        outliveSandboxes();
        launcher.start(cgroups.inherited());
        CompletableFuture<SandboxRecovery.Found> recovered = sandboxes.recover(sameBoot);
        namespaces.start(sameBoot);
        var ignored = recovered.thenAccept(this::tell);
        running = true;
    }

    /**
     * For want of memory the kernel kills this daemon and the launcher, which inherits it, after
     * what users run (oom_score_adj of proc(5)); it stays as it is without CAP_SYS_RESOURCE, which
     * {@code GET /system} tells.
     */
    private void outliveSandboxes() {
        Path score = Path.of(proc.path(), "self", "oom_score_adj");
        try {
            if (Integer.parseInt(Files.readString(score).trim()) > OOM_SCORE) {
                Files.writeString(score, Integer.toString(OOM_SCORE));
            }
        } catch (IOException | NumberFormatException e) {
            LOG.log(Level.DEBUG, "oom_score_adj stays as it is: {0}", e.getMessage());
        }
    }

    private void tell(SandboxRecovery.Found found) {
        report.tell(
                new StartReport.Found(
                        found.running(), found.ended(), found.undone(), found.setAside()));
    }

    /** Before the web server waits for its requests. */
    @EventListener(ContextClosedEvent.class)
    void closing() {
        sandboxes.stopWaiting();
        runs.stop();
    }

    @Override
    public void stop() {
        running = false;
        namespaces.stop();
        launcher.close();
        cgroups.release();
        directories.unlock();
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** Before the web server's. */
    @Override
    public int getPhase() {
        return 0;
    }
}

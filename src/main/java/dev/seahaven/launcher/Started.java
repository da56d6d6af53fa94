package dev.seahaven.launcher;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Waits until a launch is under way, and hears no more of it but its end. */
public final class Started implements Consumer<Report> {

    private static final long START_SECONDS = 10;

    private final CompletableFuture<Integer> pid = new CompletableFuture<>();

    private final Runnable ended;

    /**
     * @param ended is run when it has ended, if the daemon is still there
     */
    public Started(Runnable ended) {
        this.ended = ended;
    }

    @Override
    public void accept(Report report) {
        switch (report) {
            case Report.Launched launched -> pid.complete(launched.pid());
            case Report.Failed failed -> pid.completeExceptionally(LauncherException.of(failed));
            case Report.Output ignored -> {}
            case Report.Exited ignored -> {}
            case Report.Gone gone -> {
                if (!pid.isDone()) {
                    pid.completeExceptionally(new MonitorLostException(gone.untouched()));
                }
                Thread.startVirtualThread(ended);
            }
        }
    }

    /**
     * @return the number of its first process in the daemon's pid namespace
     * @throws LauncherException when the kernel refuses
     * @throws MonitorLostException when the monitor was killed
     * @throws SyscallException when nothing is heard for ten seconds
     */
    public int await() throws InterruptedException {
        try {
            return pid.get(START_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new SyscallException("launch(start)", Errno.ETIMEDOUT);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(e);
        }
    }
}

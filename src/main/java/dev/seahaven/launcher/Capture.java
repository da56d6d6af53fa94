package dev.seahaven.launcher;

import java.io.ByteArrayOutputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/** Gathers what the monitor of a run sends; the launcher bounds how much that can be. */
public final class Capture implements Consumer<Report> {

    private final ByteArrayOutputStream stdout = new ByteArrayOutputStream(0);
    private final ByteArrayOutputStream stderr = new ByteArrayOutputStream(0);
    private final CompletableFuture<Report.Exited> end = new CompletableFuture<>();

    @Override
    public void accept(Report report) {
        switch (report) {
            case Report.Launched ignored -> {}
            case Report.Failed failed -> end.completeExceptionally(LauncherException.of(failed));
            case Report.Output output -> stream(output.stream()).writeBytes(output.bytes());
            case Report.Exited exited -> {
                stdout.writeBytes(exited.stdout());
                stderr.writeBytes(exited.stderr());
                end.complete(exited);
            }
            case Report.Gone gone -> {
                if (!end.isDone()) {
                    end.completeExceptionally(new MonitorLostException(gone.untouched()));
                }
            }
        }
    }

    private ByteArrayOutputStream stream(int number) {
        return number == 1 ? stdout : stderr;
    }

    /** What was written to stream 1 or 2. */
    public byte[] bytes(int stream) {
        return stream(stream).toByteArray();
    }

    /**
     * Waits for the end.
     *
     * @throws LauncherException when the command was not executed
     * @throws MonitorLostException when the monitor was killed
     */
    public Report.Exited await() throws InterruptedException {
        try {
            return end.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof LauncherException failure) {
                throw failure;
            }
            if (e.getCause() instanceof MonitorLostException failure) {
                throw failure;
            }
            throw new IllegalStateException(e);
        }
    }
}

package dev.seahaven.daemon;

import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

import java.time.Duration;

/**
 * Between the moment when connections are no longer accepted and the one when the web server stops:
 * what was accepted just before is to be read and answered. Only where another daemon takes over
 * the socket, for else who connects is refused anyway.
 */
@Component
class Drain implements SmartLifecycle {

    private static final Duration TIME = Duration.ofMillis(500);

    /** After the web server's graceful shutdown, before its end. */
    private static final int PHASE = DEFAULT_PHASE - 1536;

    private final Directories directories;
    private volatile boolean running;

    Drain(Directories directories) {
        this.directories = directories;
    }

    @Override
    public void start() {
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        if (directories.isSocketInherited()) {
            try {
                Thread.sleep(TIME);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }
}

package dev.seahaven.daemon;

import dev.seahaven.launcher.Launcher;

import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

import java.time.Duration;

/**
 * Whether sandboxes can be made, as a component of {@code /actuator/health}: the launcher is asked
 * and has to answer, all the way that a launch takes. Health needs no token and a question costs a
 * process, so requests that come together, or within a quarter of a second, share one.
 */
@Component("launcherHealthIndicator")
class LauncherHealth implements HealthIndicator {

    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private static final Duration FRESH = Duration.ofMillis(250);

    private final Launcher launcher;
    private boolean answered;
    private long until = System.nanoTime();

    LauncherHealth(Launcher launcher) {
        this.launcher = launcher;
    }

    @Override
    public Health health() {
        return answers()
                ? Health.up().build()
                : Health.down()
                        .withDetail("launcher", "does not answer within " + PATIENCE)
                        .build();
    }

    private synchronized boolean answers() {
        if (System.nanoTime() - until >= 0) {
            answered = launcher.answers(PATIENCE);
            until = System.nanoTime() + FRESH.toNanos();
        }
        return answered;
    }
}

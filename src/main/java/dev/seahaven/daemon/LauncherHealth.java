package dev.seahaven.daemon;

import dev.seahaven.launcher.Launcher;

import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

import java.time.Duration;

/**
 * Whether sandboxes can be made, as a component of {@code /actuator/health}: the launcher is asked
 * and has to answer, all the way that a launch takes.
 */
@Component("launcherHealthIndicator")
class LauncherHealth implements HealthIndicator {

    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private final Launcher launcher;

    LauncherHealth(Launcher launcher) {
        this.launcher = launcher;
    }

    @Override
    public Health health() {
        return launcher.answers(PATIENCE)
                ? Health.up().build()
                : Health.down()
                        .withDetail("launcher", "does not answer within " + PATIENCE)
                        .build();
    }
}

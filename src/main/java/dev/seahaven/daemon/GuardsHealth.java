package dev.seahaven.daemon;

import dev.seahaven.sandbox.life.Sandboxes;

import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

import java.util.Map;

/**
 * Whether the guards look, as a component of {@code /actuator/health}: without one, a sandbox can
 * take all of what it guards.
 */
@Component("guardsHealthIndicator")
class GuardsHealth implements HealthIndicator {

    private final Sandboxes sandboxes;

    GuardsHealth(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    @Override
    public Health health() {
        Map<String, String> troubles = sandboxes.guards().troubles();
        return troubles.isEmpty()
                ? Health.up().build()
                : Health.down().withDetails(troubles).build();
    }
}

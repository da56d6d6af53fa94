package dev.seahaven.daemon;

import dev.seahaven.claim.Residue;

import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

import java.util.List;

/** What could not be removed, as a component of {@code /actuator/health}: it hinders nothing. */
@Component("residueHealthIndicator")
class ResidueHealth implements HealthIndicator {

    private final Residue residue;

    ResidueHealth(Residue residue) {
        this.residue = residue;
    }

    @Override
    public Health health() {
        List<String> left = residue.items().stream().map(Residue.Item::key).limit(10).toList();
        return left.isEmpty() ? Health.up().build() : Health.up().withDetail("left", left).build();
    }
}

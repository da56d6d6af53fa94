package dev.seahaven.system;

import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

import java.util.List;

/**
 * The preflight as a component of {@code /actuator/health}: down when something essential is
 * missing.
 */
@Component("kernel")
class KernelHealth implements HealthIndicator {

    private final KernelProbe probe;

    KernelHealth(KernelProbe probe) {
        this.probe = probe;
    }

    @Override
    public Health health() {
        List<String> missing = probe.missingEssentials();
        Health.Builder health = missing.isEmpty() ? Health.up() : Health.down();
        return health.withDetail("kernel", probe.kernelRelease())
                .withDetail("missing", missing)
                .build();
    }
}

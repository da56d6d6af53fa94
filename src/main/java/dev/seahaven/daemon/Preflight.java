package dev.seahaven.daemon;

import dev.seahaven.system.KernelProbe;

import org.springframework.stereotype.Component;

import java.util.List;

/** What has to be there before the daemon makes anything. */
@Component
class Preflight {

    private final KernelProbe probe;
    private final Directories directories;

    Preflight(KernelProbe probe, Directories directories) {
        this.probe = probe;
        this.directories = directories;
    }

    /**
     * Makes the daemon's directories when all is there.
     *
     * @throws CannotStartException with everything that is missing
     */
    void check() {
        List<String> missing = probe.missingEssentials();
        if (!missing.isEmpty()) {
            throw new CannotStartException(
                    "seahaven cannot run on this host. It lacks:\n  - "
                            + String.join("\n  - ", missing),
                    "Give it what is missing, and start it again.");
        }
        directories.prepare();
    }
}

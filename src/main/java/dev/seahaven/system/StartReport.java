package dev.seahaven.system;

import io.swagger.v3.oas.annotations.media.Schema;

import java.util.List;

/** What the daemon found when it started. It is told once, by who did the finding. */
public final class StartReport {

    /**
     * @param running sandboxes that ran on without a daemon
     * @param ended sandboxes that are known and do not run
     * @param undone sandboxes that were half made
     * @param setAside files that could not be read, with where they are now
     */
    @Schema(name = "Recovery")
    public record Found(int running, int ended, int undone, List<String> setAside) {}

    private volatile Found found = new Found(0, 0, 0, List.of());

    public void tell(Found what) {
        found = what;
    }

    public Found found() {
        return found;
    }
}

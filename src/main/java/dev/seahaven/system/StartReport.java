package dev.seahaven.system;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** What the daemon found when it started. It is told once, by who did the finding. */
public final class StartReport {

    /**
     * @param running sandboxes that ran on without a daemon
     * @param ended sandboxes that are known and do not run
     * @param undone sandboxes that were half made
     * @param setAside files that could not be read, with where they are now, and what could not be
     *     removed
     */
    @Schema(name = "Recovery")
    public record Found(int running, int ended, int undone, List<String> setAside) {}

    private volatile @Nullable Found found;

    public void tell(Found what) {
        found = what;
    }

    /** Null while it still looks. */
    public @Nullable Found found() {
        return found;
    }
}

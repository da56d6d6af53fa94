package dev.seahaven.audit;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * The layers around one process, and the doors that are open.
 *
 * @param sandbox that it belongs to
 * @param findings the worst first
 */
public record Audit(
        int pid, String command, @Nullable String sandbox, Facts facts, List<Finding> findings) {}

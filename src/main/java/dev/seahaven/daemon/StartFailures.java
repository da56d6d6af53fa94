package dev.seahaven.daemon;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;

/**
 * One clear message, and no stack trace, where the operator and not the daemon has something to
 * mend.
 */
final class StartFailures implements FailureAnalyzer {

    @Override
    public @Nullable FailureAnalysis analyze(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof PreflightException preflight) {
                return new FailureAnalysis(
                        "seahaven cannot run on this host. It lacks:\n  - "
                                + String.join("\n  - ", preflight.missing()),
                        "Give it what is missing, and start it again.",
                        cause);
            }
            if (cause instanceof AlreadyRunningException running) {
                return new FailureAnalysis(
                        String.valueOf(running.getMessage()),
                        "Stop the other daemon, or give this one its own seahaven.run-directory, "
                                + "seahaven.state-directory, seahaven.cgroup, "
                                + "seahaven.sandbox.first-id and server.port.",
                        cause);
            }
            if (cause instanceof OpenListenerException open) {
                return new FailureAnalysis(
                        String.valueOf(open.getMessage()),
                        "Set server.address to 127.0.0.1, or configure TLS (server.ssl).",
                        cause);
            }
        }
        return null;
    }
}

package dev.seahaven.daemon;

/** The operator, and not the daemon, has something to mend before it starts. */
final class CannotStartException extends RuntimeException {

    private final String remedy;

    CannotStartException(String why, String remedy) {
        super(why);
        this.remedy = remedy;
    }

    CannotStartException(String why, String remedy, Throwable cause) {
        this(why, remedy);
        initCause(cause);
    }

    /**
     * @param lock what another daemon has: a directory, or a group
     */
    static CannotStartException anotherRuns(Object lock) {
        return new CannotStartException(
                "another seahaven runs: it holds " + lock,
                "Stop the other daemon, or give this one its own seahaven.run-directory, "
                        + "seahaven.state-directory, seahaven.cgroup, seahaven.sandbox.first-id "
                        + "and server.port.");
    }

    String remedy() {
        return remedy;
    }
}

package dev.seahaven.launcher;

/**
 * A launch under way, or a sandbox that runs. Closing it ends a run, and leaves anything else to
 * itself.
 */
public interface Launch extends AutoCloseable {

    /**
     * Lets a keeper of namespaces outlive the daemon.
     *
     * @throws MonitorLostException when its monitor was killed, and so it has ended too
     */
    void keep();

    @Override
    void close();
}

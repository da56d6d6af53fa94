package dev.seahaven.namespace.life;

import java.util.Map;

/** Those who run things in namespaces and tell so. */
public interface NamespaceUsers {

    /** The sandboxes that run, by the process number of their init. */
    Map<Integer, String> sandboxesByInit();

    /**
     * The daemon's own processes around what runs (monitors, and inits that are its own): they hold
     * no namespace but those that they are in.
     *
     * @return their numbers, each with its start in clock ticks since boot; right after the start
     *     of the daemon not of all yet
     */
    Map<Integer, Long> ownProcesses();
}

package dev.seahaven.namespace.life;

import java.util.Map;

/** Those who run things in namespaces and tell so. */
@FunctionalInterface
public interface NamespaceUsers {

    /** The sandboxes that run, by the process number of their init. */
    Map<Integer, String> sandboxesByInit();
}

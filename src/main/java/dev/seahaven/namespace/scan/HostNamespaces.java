package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.names.NamespaceRegistry;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What one scan of the host has found. */
public final class HostNamespaces {

    private final Map<Long, HostNamespace> byId;
    private final List<NamespaceRegistry.Name> stale;
    private final boolean complete;

    /**
     * @param stale names that are no namespace
     * @param complete whether every process could be read
     */
    HostNamespaces(
            Map<Long, HostNamespace> byId, List<NamespaceRegistry.Name> stale, boolean complete) {
        this.byId = byId;
        this.stale = stale;
        this.complete = complete;
    }

    public @Nullable HostNamespace get(long id) {
        return byId.get(id);
    }

    public Collection<HostNamespace> all() {
        return byId.values().stream().sorted(Comparator.comparingLong(HostNamespace::id)).toList();
    }

    public List<NamespaceRegistry.Name> stale() {
        return stale;
    }

    public HostNamespaces withStale(List<NamespaceRegistry.Name> more) {
        return more.isEmpty()
                ? this
                : new HostNamespaces(
                        byId, Stream.concat(stale.stream(), more.stream()).toList(), complete);
    }

    public boolean isComplete() {
        return complete;
    }
}

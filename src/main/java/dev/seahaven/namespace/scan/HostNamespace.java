package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.NamespaceType;
import dev.seahaven.namespace.names.NamespaceRegistry.Name;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** One namespace of the host, as a scan found it. */
public final class HostNamespace {

    /** The member with the lowest number. */
    public record Leader(int pid, String command) {}

    /** Who made it, and what tells so. */
    public record Manager(String name, String evidence) {}

    private static final int SOURCES_MAX = 16;

    private final NamespaceType type;
    private final long id;
    private final List<Source> sources = new ArrayList<>();
    private final List<Holder> holders = new ArrayList<>();
    private final List<Long> children = new ArrayList<>();
    private Relations relations = Relations.UNKNOWN;
    private @Nullable Leader leader;
    private final List<Name> names = new ArrayList<>();
    private @Nullable String sandbox;
    private int processCount;

    HostNamespace(NamespaceType type, long id, Source source) {
        this.type = type;
        this.id = id;
        sources.add(source);
    }

    public NamespaceType type() {
        return type;
    }

    public long id() {
        return id;
    }

    /**
     * How to open it again, what lasts longest first: a member may end at any moment, and its
     * neighbour with it.
     */
    List<Source> sources() {
        return sources;
    }

    void addSource(Source another) {
        if (another instanceof Source.Mount || another instanceof Source.MountIn) {
            sources.addFirst(another);
            if (sources.size() > SOURCES_MAX) {
                sources.removeLast();
            }
        } else if (sources.size() < SOURCES_MAX) {
            sources.add(another);
        }
    }

    public List<Holder> holders() {
        return holders;
    }

    public List<Long> children() {
        return children;
    }

    public @Nullable Long parent() {
        return relations.parent();
    }

    public @Nullable Long owner() {
        return relations.owner();
    }

    public @Nullable Long creatorUid() {
        return relations.creatorUid();
    }

    public @Nullable Leader leader() {
        return leader;
    }

    /** Its name; of several, the first or the one that was asked for. */
    public @Nullable Name name() {
        return names.isEmpty() ? null : names.getFirst();
    }

    public List<Name> names() {
        return names;
    }

    public @Nullable String sandbox() {
        return sandbox;
    }

    public int processCount() {
        return processCount;
    }

    /** A named pid namespace that nothing can be started in any more. */
    public boolean isDead() {
        return type == NamespaceType.PID && processCount == 0 && !names.isEmpty();
    }

    void setRelations(Relations relations) {
        this.relations = relations;
    }

    void addName(Name name) {
        names.add(name);
    }

    /** The same namespace, called by one of its names. */
    public HostNamespace calledBy(Name asked) {
        HostNamespace called = new HostNamespace(type, id, sources.getFirst());
        called.sources.clear();
        called.sources.addAll(sources);
        called.holders.addAll(holders);
        called.children.addAll(children);
        called.names.add(asked);
        names.stream().filter(each -> !each.equals(asked)).forEach(called.names::add);
        called.relations = relations;
        called.leader = leader;
        called.sandbox = sandbox;
        called.processCount = processCount;
        return called;
    }

    public void setSandbox(String sandbox) {
        this.sandbox = sandbox;
    }

    void addMember(Holder.Member process) {
        holders.add(process);
        processCount++;
        if (leader == null || process.pid() < leader.pid()) {
            leader = new Leader(process.pid(), process.command());
        }
    }
}

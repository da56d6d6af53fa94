package dev.seahaven.namespace;

import dev.seahaven.namespace.NamespaceRegistry.Name;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** One namespace of the host, as a scan found it. */
final class HostNamespace {

    /** The member with the lowest number. */
    record Leader(int pid, String command) {}

    /** Who made it, and what tells so. */
    record Manager(String name, String evidence) {}

    private final NamespaceType type;
    private final long id;
    private final Source source;
    private final List<Holder> holders = new ArrayList<>();
    private final List<Long> children = new ArrayList<>();
    private @Nullable Long parent;
    private @Nullable Long owner;
    private @Nullable Long creatorUid;
    private @Nullable Leader leader;
    private @Nullable Name name;
    private @Nullable String sandbox;
    private int processCount;

    HostNamespace(NamespaceType type, long id, Source source) {
        this.type = type;
        this.id = id;
        this.source = source;
    }

    NamespaceType type() {
        return type;
    }

    long id() {
        return id;
    }

    /** How to open it again. */
    Source source() {
        return source;
    }

    List<Holder> holders() {
        return holders;
    }

    List<Long> children() {
        return children;
    }

    @Nullable Long parent() {
        return parent;
    }

    @Nullable Long owner() {
        return owner;
    }

    @Nullable Long creatorUid() {
        return creatorUid;
    }

    @Nullable Leader leader() {
        return leader;
    }

    @Nullable Name name() {
        return name;
    }

    @Nullable String sandbox() {
        return sandbox;
    }

    int processCount() {
        return processCount;
    }

    /** A named pid namespace that nothing can be started in any more. */
    boolean isDead() {
        return type == NamespaceType.PID && processCount == 0 && name != null;
    }

    void setRelations(@Nullable Long parent, @Nullable Long owner, @Nullable Long creatorUid) {
        this.parent = parent;
        this.owner = owner;
        this.creatorUid = creatorUid;
    }

    void setName(Name name) {
        if (this.name == null) {
            this.name = name;
        }
    }

    /** Of several names, the one that was asked for. */
    void callBy(Name asked) {
        this.name = asked;
    }

    void setSandbox(String sandbox) {
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

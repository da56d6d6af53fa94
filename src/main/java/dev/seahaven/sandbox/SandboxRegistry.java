package dev.seahaven.sandbox;

import dev.seahaven.web.Problem;
import dev.seahaven.web.ProblemType;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** All sandboxes, by id and by name. */
final class SandboxRegistry {

    private final Map<String, Sandbox> byId = new ConcurrentHashMap<>();

    /** Also names that are claimed for a sandbox which is not made yet. */
    private final Map<String, SandboxId> names = new ConcurrentHashMap<>();

    /**
     * @throws Problem 409 when it is taken
     */
    void claimName(@Nullable String name, SandboxId id) {
        if (name == null) {
            return;
        }
        if (byId.containsKey(name) || names.putIfAbsent(name, id) != null) {
            throw new Problem(
                    ProblemType.NAME_TAKEN,
                    "A sandbox with the name or id '" + name + "' exists; choose another name.");
        }
    }

    void releaseName(@Nullable String name) {
        if (name != null) {
            names.remove(name);
        }
    }

    /** An id that no sandbox has as id or name. */
    SandboxId newId() {
        SandboxId id = SandboxId.random();
        while (byId.containsKey(id.value()) || names.containsKey(id.value())) {
            id = SandboxId.random();
        }
        return id;
    }

    void add(Sandbox sandbox) {
        byId.put(sandbox.id().value(), sandbox);
    }

    void remove(Sandbox sandbox) {
        byId.remove(sandbox.id().value());
        releaseName(sandbox.spec().name());
    }

    Collection<Sandbox> all() {
        return byId.values();
    }

    Optional<Sandbox> find(String reference) {
        Sandbox sandbox = byId.get(reference);
        if (sandbox == null) {
            SandboxId id = names.get(reference);
            sandbox = id == null ? null : byId.get(id.value());
        }
        return Optional.ofNullable(sandbox);
    }

    /**
     * @throws Problem 404 when there is none
     */
    Sandbox get(String reference) {
        return find(reference).orElseThrow(() -> Problem.notFound("sandbox", reference));
    }

    /** Living sandboxes that share a namespace of this one. */
    List<Sandbox> sharersOf(Sandbox sandbox) {
        return byId.values().stream()
                .filter(other -> other != sandbox && other.state().status().isAlive())
                .filter(
                        other ->
                                Sharing.references(other.spec()).keySet().stream()
                                        .anyMatch(of -> find(of).orElse(null) == sandbox))
                .toList();
    }
}

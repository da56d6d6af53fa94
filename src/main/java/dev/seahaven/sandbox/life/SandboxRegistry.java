package dev.seahaven.sandbox.life;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.ProblemType;
import dev.seahaven.sandbox.launch.Partners;
import dev.seahaven.sandbox.launch.Sharing;
import dev.seahaven.sandbox.spec.SandboxId;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** All sandboxes, by id and by name. */
public final class SandboxRegistry implements Partners {

    private final Map<String, Sandbox> byId = new ConcurrentHashMap<>();

    /** Also names that are claimed for a sandbox which is not made yet. */
    private final Map<String, SandboxId> names = new ConcurrentHashMap<>();

    /**
     * @throws Problem 409 when it is taken
     */
    public void claimName(@Nullable String name, SandboxId id) {
        if (name == null) {
            return;
        }
        if (byId.containsKey(name) || names.putIfAbsent(name, id) != null) {
            throw new Problem(
                    ProblemType.NAME_TAKEN,
                    "A sandbox or run with the name or id '"
                            + name
                            + "' exists; choose another name.");
        }
    }

    public void releaseName(@Nullable String name) {
        if (name != null) {
            names.remove(name);
        }
    }

    /** An id that no sandbox has as id or name. */
    public SandboxId newId() {
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

    int size() {
        return byId.size();
    }

    Collection<Sandbox> all() {
        byId.values().forEach(Sandbox::settle);
        return byId.values();
    }

    /** Those of which is known how they are: all but for a moment after the start. */
    Stream<Sandbox> settled() {
        return byId.values().stream().filter(Sandbox::isSettled);
    }

    /** Whether a sandbox has this id or name, which need not be settled. */
    boolean knows(String reference) {
        return named(reference) != null;
    }

    @Override
    public Optional<Partner> find(String reference) {
        return lookUp(reference)
                .map(
                        sandbox -> {
                            Life life = sandbox.life();
                            return new Partner(
                                    sandbox.id(),
                                    life == null ? null : life.init(),
                                    sandbox.mappings());
                        });
    }

    Optional<Sandbox> lookUp(String reference) {
        Sandbox sandbox = named(reference);
        if (sandbox != null) {
            sandbox.settle();
        }
        return Optional.ofNullable(sandbox);
    }

    private @Nullable Sandbox named(String reference) {
        Sandbox sandbox = byId.get(reference);
        if (sandbox == null) {
            SandboxId id = names.get(reference);
            sandbox = id == null ? null : byId.get(id.value());
        }
        return sandbox;
    }

    /**
     * @throws Problem 404 when there is none
     */
    public Sandbox get(String reference) {
        return lookUp(reference).orElseThrow(() -> Problem.notFound("sandbox", reference));
    }

    /** Living sandboxes that share a namespace of this one. */
    List<Sandbox> sharersOf(Sandbox sandbox) {
        return all().stream()
                .filter(other -> other != sandbox && other.state().status().isAlive())
                .filter(
                        other ->
                                Sharing.references(other.spec()).keySet().stream()
                                        .anyMatch(of -> lookUp(of).orElse(null) == sandbox))
                .toList();
    }
}

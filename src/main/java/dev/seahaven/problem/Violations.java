package dev.seahaven.problem;

import java.util.ArrayList;
import java.util.List;

/** Collects what is wrong with a request, so that all of it is told at once. */
public final class Violations {

    private static final int MOST = 100;

    private final List<Violation> found = new ArrayList<>();

    public void add(String field, String message) {
        if (found.size() < MOST) {
            found.add(new Violation(field, message));
        }
    }

    /** Adds a violation unless {@code holds}; returns it. */
    public boolean require(boolean holds, String field, String message) {
        if (!holds) {
            add(field, message);
        }
        return holds;
    }

    public boolean isEmpty() {
        return found.isEmpty();
    }

    /**
     * @throws Problem when anything was found
     */
    public void throwIfAny() {
        if (!found.isEmpty()) {
            throw Problem.invalid(List.copyOf(found));
        }
    }
}

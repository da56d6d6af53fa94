package dev.seahaven.web;

import dev.seahaven.problem.Problem;

import java.util.Optional;

/** Tells failures that {@code web} does not know, such as the kernel's, as problems. */
@FunctionalInterface
public interface Failures {

    /** The problem that a failure is; empty for one that it does not know. */
    Optional<Problem> problem(Throwable failure);
}

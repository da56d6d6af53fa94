package dev.seahaven.store;

import tools.jackson.databind.node.ObjectNode;

import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A kind of document: what it is read as, and how older ones are moved forward.
 *
 * @param name in messages, such as {@code sandbox}
 * @param steps the n-th makes version n + 1 of version n; so the current version is one more than
 *     their number, and a document without a version is of version 1
 */
public record DocumentKind<T>(String name, Class<T> type, List<UnaryOperator<ObjectNode>> steps) {

    /** The version that is written. */
    public int version() {
        return steps.size() + 1;
    }
}

package dev.seahaven.problem;

/**
 * One thing that is wrong with a request.
 *
 * @param field the member, such as {@code limits.memoryBytes} or {@code command[0]}, or a parameter
 * @param message what is wrong and what is allowed
 */
public record Violation(String field, String message) {}

package dev.seahaven.problem;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A refusal: its kind, what was wrong and what to do about it. */
public final class Problem extends RuntimeException {

    private final ProblemType type;
    private final Map<String, Object> members = new LinkedHashMap<>();

    /**
     * @param detail a sentence that names the thing and the remedy
     */
    public Problem(ProblemType type, String detail) {
        super(detail);
        this.type = type;
    }

    /** There is no {@code kind} of this id or name. */
    public static Problem notFound(String kind, String reference) {
        return new Problem(
                ProblemType.NOT_FOUND,
                "There is no " + kind + " with the id or name '" + reference + "'.");
    }

    /** All that is wrong with a request. */
    public static Problem invalid(List<Violation> violations) {
        String detail =
                violations.size() == 1
                        ? violations.getFirst().field() + ": " + violations.getFirst().message()
                        : violations.size()
                                + " members of the request are invalid; see violations.";
        return new Problem(ProblemType.INVALID_REQUEST, detail).with("violations", violations);
    }

    /** One member of a request is wrong. */
    public static Problem invalid(String field, String message) {
        return invalid(List.of(new Violation(field, message)));
    }

    /** Adds a member to the answer. */
    public Problem with(String member, Object value) {
        members.put(member, value);
        return this;
    }

    /** What was added. */
    public Map<String, Object> members() {
        return Map.copyOf(members);
    }

    public ProblemType type() {
        return type;
    }
}

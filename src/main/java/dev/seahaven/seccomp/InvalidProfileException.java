package dev.seahaven.seccomp;

/** A profile that cannot be compiled; {@link #member} says where. */
public final class InvalidProfileException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String member;

    InvalidProfileException(String member, String message) {
        super(message);
        this.member = member;
    }

    /** Such as {@code syscalls[3].names[0]}. */
    public String member() {
        return member;
    }
}

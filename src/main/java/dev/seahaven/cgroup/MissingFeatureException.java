package dev.seahaven.cgroup;

/** A limit that this host cannot set. */
public final class MissingFeatureException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String feature;

    MissingFeatureException(String feature, String message) {
        super(message);
        this.feature = feature;
    }

    /** Such as {@code cgroup-hugetlb}. */
    public String feature() {
        return feature;
    }
}

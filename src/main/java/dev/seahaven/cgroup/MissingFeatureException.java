package dev.seahaven.cgroup;

import org.jspecify.annotations.Nullable;

/** A limit that this host cannot set. */
public final class MissingFeatureException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String feature;

    public MissingFeatureException(String feature, String message) {
        super(message);
        this.feature = feature;
    }

    /** Such as {@code cgroup-hugetlb}. */
    public String feature() {
        return feature;
    }

    /** No I/O scheduler knows weights. */
    public static MissingFeatureException ioWeight() {
        return new MissingFeatureException(
                "io-weight", "No I/O scheduler of this kernel knows weights; leave ioWeight out.");
    }

    /**
     * No swap is the default, and goes without saying where nobody counts it.
     *
     * @param counted whether the kernel counts swap by cgroup
     * @throws MissingFeatureException when swap is to be had that cannot be counted
     */
    public static void requireSwap(@Nullable Long swap, boolean counted) {
        if (swap != null && swap > 0 && !counted) {
            throw new MissingFeatureException(
                    "cgroup-swap",
                    "This kernel does not count swap by cgroup (swapaccount=1); leave"
                            + " limits.swapBytes out.");
        }
    }
}

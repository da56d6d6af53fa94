package dev.seahaven.sandbox;

import dev.seahaven.namespace.IdMapping;

import java.util.List;

/** Both mappings of a user namespace, seen from the host. */
record Mappings(List<IdMapping> uids, List<IdMapping> gids) {

    /** Of the host's own: every id is itself. */
    static final Mappings HOST = new Mappings(identity(), identity());

    private static List<IdMapping> identity() {
        return List.of(new IdMapping(0, 0, IdMapping.ID_COUNT));
    }

    /** Whether it is the host's, also where it was reached by way of another sandbox. */
    boolean isIdentity() {
        return equals(HOST);
    }

    int rootUid() {
        return outside(uids, 0);
    }

    int rootGid() {
        return outside(gids, 0);
    }

    /** Unsigned, as the kernel has it. */
    private static int outside(List<IdMapping> mappings, long inside) {
        return mappings.stream()
                .filter(mapping -> mapping.mapsInside(inside))
                .mapToInt(mapping -> (int) mapping.toOutside(inside))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(inside + " is not mapped"));
    }

    static boolean maps(List<IdMapping> mappings, long inside) {
        return mappings.stream().anyMatch(mapping -> mapping.mapsInside(inside));
    }

    /**
     * Whether an account of the host is mapped: files that only it may read are then readable
     * inside.
     */
    boolean mapsAccountOf(Accounts host) {
        return host.users().stream().anyMatch(user -> covers(uids, user.uid()))
                || host.groups().stream().anyMatch(group -> covers(gids, group.gid()));
    }

    private static boolean covers(List<IdMapping> mappings, long outside) {
        return mappings.stream().anyMatch(mapping -> mapping.mapsOutside(outside));
    }
}

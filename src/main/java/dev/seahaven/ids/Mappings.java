package dev.seahaven.ids;

import dev.seahaven.procfs.ProcRoot;
import dev.seahaven.procfs.Reading;
import dev.seahaven.syscall.SyscallException;

import java.util.List;
import java.util.OptionalLong;

/** Both mappings of a user namespace, seen from the host. */
public record Mappings(List<IdMapping> uids, List<IdMapping> gids) {

    /** Ids below are those of the host's own users. */
    private static final long OWNERS_FIRST = 65_536;

    /** Of the host's own: every id is itself. */
    public static final Mappings HOST = new Mappings(identity(), identity());

    /** Of a user namespace that maps nothing, or whose mappings are not known. */
    public static final Mappings NONE = new Mappings(List.of(), List.of());

    /** From the texts of {@code uid_map} and {@code gid_map}. */
    public static Mappings parse(String uidMap, String gidMap) {
        return new Mappings(IdMapping.parse(uidMap), IdMapping.parse(gidMap));
    }

    /** Those of the user namespace that a process is in, seen from the daemon's. */
    public static Reading<Mappings> read(ProcRoot proc, int pid) {
        return switch (proc.reading(pid + "/uid_map")) {
            case Reading.Value<String>(String uids) ->
                    proc.reading(pid + "/gid_map").map(gids -> parse(uids, gids));
            case Reading.Gone<String>() -> new Reading.Gone<>();
            case Reading.Denied<String>(SyscallException refusal) -> new Reading.Denied<>(refusal);
            case Reading.Broken<String>(SyscallException refusal) -> new Reading.Broken<>(refusal);
        };
    }

    private static List<IdMapping> identity() {
        return List.of(new IdMapping(0, 0, IdMapping.ID_COUNT));
    }

    /** Whether it is the host's, also where it was reached by way of another sandbox. */
    public boolean isIdentity() {
        return equals(HOST);
    }

    public int rootUid() {
        return outside(uids, 0);
    }

    public int rootGid() {
        return outside(gids, 0);
    }

    /**
     * Who owns a user namespace with these mappings that a sandbox was made with: the launcher has
     * the same rule. Empty where it is the host's root.
     */
    public OptionalLong owner() {
        return uids.stream()
                .mapToLong(IdMapping::outside)
                .filter(outside -> outside >= OWNERS_FIRST)
                .findFirst();
    }

    /** Unsigned, as the kernel has it. */
    private static int outside(List<IdMapping> mappings, long inside) {
        return mappings.stream()
                .filter(mapping -> mapping.mapsInside(inside))
                .mapToInt(mapping -> (int) mapping.toOutside(inside))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(inside + " is not mapped"));
    }

    public static boolean maps(List<IdMapping> mappings, long inside) {
        return mappings.stream().anyMatch(mapping -> mapping.mapsInside(inside));
    }

    /**
     * Whether an account of the host is mapped: files that only it may read are then readable
     * inside.
     */
    public boolean mapsAccountOf(Accounts host) {
        return host.users().stream().anyMatch(user -> covers(uids, user.uid()))
                || host.groups().stream().anyMatch(group -> covers(gids, group.gid()));
    }

    private static boolean covers(List<IdMapping> mappings, long outside) {
        return mappings.stream().anyMatch(mapping -> mapping.mapsOutside(outside));
    }
}

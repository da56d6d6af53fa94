package dev.seahaven.sandbox.launch;

import dev.seahaven.launcher.Stage;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The members of a request from which the items of a plan follow, each list in the plan's order;
 * null for an item that nobody asked for.
 *
 * @param masks the masked paths, and then the read-only ones
 * @param landlock the paths, and then the ports
 * @param mounts the attachments, and then the devices
 */
record PlanMembers(
        List<@Nullable String> rlimits,
        List<@Nullable String> sysctls,
        List<@Nullable String> masks,
        List<@Nullable String> landlock,
        List<@Nullable String> mounts) {

    /** The member that an item of a stage follows from, if it follows from one. */
    Optional<String> member(Stage stage, int item) {
        List<@Nullable String> members =
                switch (stage) {
                    case RLIMITS -> rlimits;
                    case SYSCTLS -> sysctls;
                    case MASKS -> masks;
                    case LANDLOCK -> landlock;
                    case MOUNTS -> mounts;
                    default -> List.of();
                };
        return item < 0 || item >= members.size()
                ? Optional.empty()
                : Optional.ofNullable(members.get(item));
    }

    /** For items that the daemon adds on its own account. */
    static List<@Nullable String> nobodys(int items) {
        return Collections.nCopies(items, (@Nullable String) null);
    }

    /** For the items of a list of the request: {@code security.devices[0]} and so on. */
    static List<@Nullable String> numbered(String member, Collection<?> items) {
        return IntStream.range(0, items.size())
                .<@Nullable String>mapToObj(i -> member + "[" + i + "]")
                .toList();
    }
}

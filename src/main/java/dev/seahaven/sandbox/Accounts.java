package dev.seahaven.sandbox;

import dev.seahaven.namespace.IdMapping;
import dev.seahaven.web.Problem;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The users and groups that a root's own {@code /etc/passwd} and {@code /etc/group} name
 * (passwd(5), group(5)). Pure; lines that are none are passed over.
 */
record Accounts(List<User> users, List<Group> groups) {

    record User(String name, long uid, long gid, String home) {}

    record Group(String name, long gid, List<String> members) {}

    /**
     * Who a command runs as, seen from the inside.
     *
     * @param home for the variable HOME
     */
    record Identity(long uid, long gid, List<Long> groups, String home) {}

    static Accounts parse(String passwd, String group) {
        List<User> users = new ArrayList<>();
        for (String[] field : fields(passwd, 6)) {
            Long uid = number(field[2]);
            Long gid = number(field[3]);
            if (uid != null && gid != null) {
                users.add(new User(field[0], uid, gid, field[5]));
            }
        }
        List<Group> groups = new ArrayList<>();
        for (String[] field : fields(group, 3)) {
            Long gid = number(field[2]);
            if (gid != null) {
                List<String> members = field.length > 3 ? List.of(field[3].split(",")) : List.of();
                groups.add(new Group(field[0], gid, members));
            }
        }
        return new Accounts(List.copyOf(users), List.copyOf(groups));
    }

    private static List<String[]> fields(String text, int least) {
        return text.lines()
                .map(line -> line.split(":", -1))
                .filter(field -> field.length >= least)
                .toList();
    }

    private static @Nullable Long number(String text) {
        if (text.isEmpty() || text.length() > 10 || !text.chars().allMatch(Character::isDigit)) {
            return null;
        }
        long value = Long.parseLong(text);
        return value < IdMapping.ID_COUNT ? value : null;
    }

    /**
     * Resolves {@code USER}, {@code UID}, {@code USER:GROUP} or {@code UID:GID}. Without a group,
     * the groups are those of the user; a number without an entry has group 0, as with Docker and
     * Podman.
     *
     * @throws Problem when a name has no entry
     */
    Identity resolve(String text) {
        int colon = text.indexOf(':');
        String who = colon < 0 ? text : text.substring(0, colon);
        String group = colon < 0 ? null : text.substring(colon + 1);
        Long uid = number(who);
        Optional<User> entry =
                users.stream()
                        .filter(user -> uid == null ? user.name().equals(who) : user.uid() == uid)
                        .findFirst();
        if (uid == null && entry.isEmpty()) {
            throw Problem.invalid(
                    "user", "there is no user '" + who + "' in /etc/passwd of this root");
        }
        long resolved = uid != null ? uid : entry.get().uid();
        String home = entry.map(User::home).filter(directory -> !directory.isEmpty()).orElse("/");
        if (group != null) {
            return new Identity(resolved, gid(group), List.of(), home);
        }
        List<Long> supplementary =
                entry.map(
                                user ->
                                        groups.stream()
                                                .filter(g -> g.members().contains(user.name()))
                                                .map(Group::gid)
                                                .toList())
                        .orElse(List.of());
        return new Identity(resolved, entry.map(User::gid).orElse(0L), supplementary, home);
    }

    private long gid(String text) {
        Long gid = number(text);
        if (gid != null) {
            return gid;
        }
        return groups.stream()
                .filter(group -> group.name().equals(text))
                .map(Group::gid)
                .findFirst()
                .orElseThrow(
                        () ->
                                Problem.invalid(
                                        "user",
                                        "there is no group '"
                                                + text
                                                + "' in /etc/group of this root"));
    }
}

package dev.seahaven.ids;

import dev.seahaven.text.Digits;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The users and groups that a root's own {@code /etc/passwd} and {@code /etc/group} name
 * (passwd(5), group(5)). Pure; lines that are none are passed over.
 */
public record Accounts(List<User> users, List<Group> groups) {

    private static final int ID_DIGITS = 10;

    record User(String name, long uid, long gid, String home) {}

    record Group(String name, long gid, List<String> members) {}

    /**
     * Who a command runs as, seen from the inside.
     *
     * @param home for the variable HOME
     */
    public record Identity(long uid, long gid, List<Long> groups, String home) {}

    public static Accounts parse(String passwd, String group) {
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

    /** A field of a line; null where it is no id. */
    private static @Nullable Long number(String text) {
        return Digits.areAll(text)
                        && text.length() <= ID_DIGITS
                        && Long.parseLong(text) < IdMapping.ID_COUNT
                ? Long.valueOf(text)
                : null;
    }

    /** What was asked for: digits are a number and never a name; null for a name. */
    private static @Nullable Long asked(String text) {
        if (!Digits.areAll(text)) {
            return null;
        }
        Long number = number(text);
        if (number == null) {
            throw new UnknownAccountException(
                    "the id " + text + " is above " + (IdMapping.ID_COUNT - 1));
        }
        return number;
    }

    /**
     * Resolves {@code USER}, {@code UID}, {@code USER:GROUP} or {@code UID:GID}. Without a group,
     * the groups are those of the user; a number without an entry has group 0, as with Docker and
     * Podman.
     *
     * @throws UnknownAccountException when a name has no entry, or a number is no id
     */
    public Identity resolve(String text) {
        int colon = text.indexOf(':');
        String who = colon < 0 ? text : text.substring(0, colon);
        String group = colon < 0 ? null : text.substring(colon + 1);
        Long uid = asked(who);
        Optional<User> entry =
                users.stream()
                        .filter(user -> uid == null ? user.name().equals(who) : user.uid() == uid)
                        .findFirst();
        if (uid == null && entry.isEmpty()) {
            throw new UnknownAccountException(
                    "there is no user '" + who + "' in /etc/passwd of this root");
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
        Long gid = asked(text);
        if (gid != null) {
            return gid;
        }
        return groups.stream()
                .filter(group -> group.name().equals(text))
                .map(Group::gid)
                .findFirst()
                .orElseThrow(
                        () ->
                                new UnknownAccountException(
                                        "there is no group '"
                                                + text
                                                + "' in /etc/group of this root"));
    }
}

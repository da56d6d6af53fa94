package dev.seahaven.ids;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * The accounts of the host, as they were a second ago at most: users come while the daemon runs.
 */
public final class HostAccounts {

    private static final long FRESH_NANOS = 1_000_000_000;

    private volatile Accounts accounts = read();
    private final AtomicLong readAt = new AtomicLong(System.nanoTime());

    private static Accounts read() {
        return Accounts.parse(text("/etc/passwd"), text("/etc/group"));
    }

    public Accounts get() {
        return accounts;
    }

    /** Reads them anew where that is due; whether it did. */
    public boolean refresh() {
        long before = readAt.get();
        long now = System.nanoTime();
        if (now - before < FRESH_NANOS || !readAt.compareAndSet(before, now)) {
            return false;
        }
        accounts = read();
        return true;
    }

    /** Every id that is somebody's, or that somebody may map. */
    public List<IdMapping> idsInUse() {
        return foreign(
                accounts,
                Stream.of("/etc/subuid", "/etc/subgid").flatMap(file -> text(file).lines()));
    }

    /**
     * The ids of {@code /etc/passwd}, {@code /etc/group}, {@code /etc/subuid} and {@code
     * /etc/subgid}.
     *
     * @param accounts the first two
     * @param subordinate lines of the others (subuid(5)): {@code name:first:count}
     */
    static List<IdMapping> foreign(Accounts accounts, Stream<String> subordinate) {
        Stream<IdMapping> ids =
                Stream.concat(
                                accounts.users().stream()
                                        .flatMap(user -> Stream.of(user.uid(), user.gid())),
                                accounts.groups().stream().map(Accounts.Group::gid))
                        .map(id -> new IdMapping(0, id, 1));
        Stream<IdMapping> ranges =
                subordinate
                        .map(line -> line.split(":"))
                        .filter(field -> field.length == 3)
                        .filter(field -> field[1].matches("\\d{1,10}"))
                        .filter(field -> field[2].matches("[1-9]\\d{0,9}"))
                        .map(
                                field ->
                                        new IdMapping(
                                                0,
                                                Long.parseLong(field[1]),
                                                Long.parseLong(field[2])));
        return Stream.concat(ids, ranges).toList();
    }

    private static String text(String file) {
        try {
            return Files.readString(Path.of(file), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // not every host has all of them
        }
    }
}

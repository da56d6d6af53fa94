package dev.seahaven.sandbox;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The accounts of the host. */
final class HostAccounts {

    private HostAccounts() {}

    static Accounts read() {
        return Accounts.parse(text("/etc/passwd"), text("/etc/group"));
    }

    /** Every id that is somebody's, or that somebody may map. */
    static List<IdMapping> idsInUse(Accounts accounts) {
        return IdRanges.foreign(
                accounts,
                Stream.of("/etc/subuid", "/etc/subgid").flatMap(file -> text(file).lines()));
    }

    private static String text(String file) {
        try {
            return Files.readString(Path.of(file), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // not every host has all of them
        }
    }
}

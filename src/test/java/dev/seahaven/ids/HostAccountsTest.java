package dev.seahaven.ids;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.stream.Stream;

class HostAccountsTest {

    private static final long FIRST = 524_288;

    @Test
    void skipsWhatBelongsToUsersOfTheHost() {
        Accounts accounts =
                Accounts.parse("x:x:" + (FIRST + 5) + ":0::/:/bin/sh\nroot:x:0:0::/:\n", "g:x:70:");
        List<IdMapping> foreign =
                HostAccounts.foreign(
                        accounts,
                        Stream.of(
                                "u:" + (FIRST + 65_536) + ":65537",
                                "broken",
                                "v:1:0",
                                "w:100000:65536"));
        assertThat(new IdRanges(FIRST, foreign).take()).hasValue(FIRST + 3 * 65_536);
    }
}

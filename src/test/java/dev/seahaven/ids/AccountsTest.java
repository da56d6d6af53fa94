package dev.seahaven.ids;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.List;

class AccountsTest {

    private static final Accounts ACCOUNTS =
            Accounts.parse(
                    """
                    root:x:0:0:root:/root:/bin/sh
                    # no entry
                    meryl:x:1000:1001::/home/meryl:/bin/sh
                    evil:x:99999999999:0::/:
                    short:x
                    """,
                    "staff:x:50:meryl,truman\nwheel:x:10:\nbad:x:-1:meryl\n");

    @Test
    void aNameHasItsGroupsAndHome() {
        assertThat(ACCOUNTS.resolve("meryl"))
                .isEqualTo(new Accounts.Identity(1000, 1001, List.of(50L), "/home/meryl"));
        assertThat(ACCOUNTS.resolve("1000")).isEqualTo(ACCOUNTS.resolve("meryl"));
    }

    @Test
    void aGroupThatIsGivenStandsAlone() {
        assertThat(ACCOUNTS.resolve("meryl:wheel"))
                .isEqualTo(new Accounts.Identity(1000, 10, List.of(), "/home/meryl"));
        assertThat(ACCOUNTS.resolve("5:6")).isEqualTo(new Accounts.Identity(5, 6, List.of(), "/"));
    }

    @Test
    void aNumberNeedsNoEntryButANameDoes() {
        assertThat(ACCOUNTS.resolve("77")).isEqualTo(new Accounts.Identity(77, 0, List.of(), "/"));
        for (String wrong : new String[] {"evil", "short", "nobody", "0:nogroup", "0:bad"}) {
            assertThatThrownBy(() -> ACCOUNTS.resolve(wrong))
                    .isInstanceOf(UnknownAccountException.class);
        }
    }
}

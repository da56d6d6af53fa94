package dev.seahaven.ids;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.List;

class IdRangesTest {

    private static final long FIRST = 524_288;

    @Test
    void givesTheLowestThatIsFreeAndTakesItBack() {
        IdRanges ranges = new IdRanges(FIRST, List.of());
        assertThat(ranges.take()).hasValue(FIRST);
        assertThat(ranges.take()).hasValue(FIRST + 65_536);
        ranges.giveBack(List.of(new IdMapping(0, FIRST, 65_536)));
        assertThat(ranges.inUse()).isEqualTo(1);
        assertThat(ranges.take()).hasValue(FIRST);
    }

    @Test
    void whatWasAskedForIsSharedWithNobody() {
        IdRanges ranges = new IdRanges(FIRST, List.of());
        List<IdMapping> mine = List.of(new IdMapping(0, FIRST + 65_000, 1000));
        assertThat(ranges.take(mine)).isTrue();
        assertThat(ranges.take(List.of(new IdMapping(0, FIRST + 65_536, 1)))).isFalse();
        assertThat(ranges.take()).hasValue(FIRST + 2 * 65_536);
        ranges.giveBack(mine);
        assertThat(ranges.take()).hasValue(FIRST);
    }

    /** Ids below the first were not looked at, and two sandboxes could have the same. */
    @Test
    void whatWasAskedForBelowTheFirstIsSharedWithNobodyEither() {
        IdRanges ranges = new IdRanges(FIRST, List.of());
        List<IdMapping> both =
                List.of(new IdMapping(0, 100_000, 65_536), new IdMapping(0, 100_000, 65_536));
        assertThat(ranges.take(both)).isTrue();
        assertThat(ranges.take(List.of(new IdMapping(0, 165_535, 1)))).isFalse();
        assertThat(ranges.take(List.of(new IdMapping(0, 165_536, 1)))).isTrue();
        assertThat(ranges.take(List.of(new IdMapping(5, FIRST - 1, 2)))).isTrue();
        assertThat(ranges.take()).hasValue(FIRST + 65_536);
        ranges.giveBack(both);
        assertThat(ranges.take(List.of(new IdMapping(0, 165_535, 1)))).isTrue();
    }

    /** A user who is added while the daemon runs. */
    @Test
    void whatComesToBelongToOthersIsNotGivenAnyMore() {
        IdRanges ranges = new IdRanges(FIRST, List.of());
        assertThat(ranges.take()).hasValue(FIRST);
        ranges.avoid(List.of(new IdMapping(0, FIRST + 60_000, 65_536)));
        assertThat(ranges.take()).hasValue(FIRST + 2 * 65_536);
        ranges.giveBack(List.of(new IdMapping(0, FIRST, 65_536)));
        assertThat(ranges.take()).hasValue(FIRST + 3 * 65_536);
        ranges.avoid(List.of());
        assertThat(ranges.take()).hasValue(FIRST);
    }

    @Test
    void whenAllAreTakenItSaysSo() {
        IdRanges ranges = new IdRanges(IdMapping.ID_COUNT - 3 * 65_536, List.of());
        for (int i = 0; i < 3; i++) {
            ranges.take();
        }
        assertThat(ranges.take()).isEmpty();
    }
}

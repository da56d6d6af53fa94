package dev.seahaven.ids;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

class IdRangesTest {

    private static final long FIRST = 524_288;

    @Test
    void givesTheLowestThatIsFreeAndTakesItBack() {
        IdRanges ranges = new IdRanges(FIRST, List.of());
        assertThat(ranges.take()).hasValue(FIRST);
        assertThat(ranges.take()).hasValue(FIRST + 65_536);
        ranges.giveBack(List.of(new IdMapping(0, FIRST, 65_536)));
        assertThat(ranges.inUse()).isEqualTo(1);
        assertThat(ranges.take()).as("that one rests").hasValue(FIRST + 2 * 65_536);
    }

    /** Its user namespace may live on: shared, named, or held by a descriptor. */
    @Test
    void whatIsGivenBackIsGivenAgainOnlyWhenTheKernelMapsItNoMore() {
        long last = IdMapping.ID_COUNT - 2 * IdMapping.RANGE;
        List<IdMapping> first = List.of(new IdMapping(0, last, IdMapping.RANGE));
        List<IdMapping> mapped = new ArrayList<>(first);
        IdRanges ranges = new IdRanges(last, List.of());
        ranges.ask(() -> Optional.of(List.copyOf(mapped)));
        assertThat(ranges.take()).as("it is mapped by another").hasValue(last + IdMapping.RANGE);
        assertThat(ranges.take()).isEmpty();
        assertThat(ranges.take(first)).isFalse();
        mapped.clear();
        assertThat(ranges.take(first)).isTrue();
        ranges.giveBack(first);
        mapped.addAll(first);
        assertThat(ranges.take()).isEmpty();
        mapped.clear();
        assertThat(ranges.take()).hasValue(last);
    }

    @Test
    void whatTheKernelDoesNotTellIsNotFree() {
        long last = IdMapping.ID_COUNT - IdMapping.RANGE;
        IdRanges ranges = new IdRanges(last, List.of());
        ranges.ask(Optional::empty);
        assertThat(ranges.take()).hasValue(last);
        ranges.giveBack(List.of(new IdMapping(0, last, IdMapping.RANGE)));
        assertThat(ranges.take()).isEmpty();
        assertThat(ranges.take(List.of(new IdMapping(0, last, 1)))).isFalse();
    }

    @Test
    void whatWasAskedForIsSharedWithNobody() {
        IdRanges ranges = new IdRanges(FIRST, List.of());
        List<IdMapping> mine = List.of(new IdMapping(0, FIRST + 65_000, 1000));
        assertThat(ranges.take(mine)).isTrue();
        assertThat(ranges.take(List.of(new IdMapping(0, FIRST + 65_536, 1)))).isFalse();
        assertThat(ranges.take()).hasValue(FIRST + 2 * 65_536);
        ranges.giveBack(mine);
        ranges.ask(() -> Optional.of(List.of()));
        assertThat(ranges.take(mine)).isTrue();
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
        assertThat(ranges.take(List.of(new IdMapping(0, 165_535, 1)))).as("it rests").isFalse();
        ranges.ask(() -> Optional.of(List.of()));
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
        assertThat(ranges.take()).hasValue(FIRST + 65_536);
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

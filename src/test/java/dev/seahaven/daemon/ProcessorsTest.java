package dev.seahaven.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ProcessorsTest {

    @Test
    void theLastOfTheListCounts() {
        assertThat(Processors.parse("0\n")).isEqualTo(1);
        assertThat(Processors.parse("0-3\n")).isEqualTo(4);
        assertThat(Processors.parse("0,2-127\n")).isEqualTo(128);
    }
}

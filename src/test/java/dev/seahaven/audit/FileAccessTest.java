package dev.seahaven.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.ids.IdMapping;
import dev.seahaven.syscall.Capability;
import dev.seahaven.syscall.FileCalls;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.Set;

class FileAccessTest {

    private static final List<IdMapping> ALL = List.of(new IdMapping(0, 0, 4_294_967_295L));
    private static final List<IdMapping> OWN = List.of(new IdMapping(0, 524_288, 65_536));

    private static FileCalls.Stat socket(int mode, int uid, int gid) {
        return new FileCalls.Stat(0140000 | mode, uid, gid, 0, 0, 0, 0, 0, 0);
    }

    /** As engines have their sockets: 0660, of root and a group. */
    @ParameterizedTest
    @CsvSource({
        "1000, 1000, '', false",
        "1000, 997, '', true",
        "0, 0, '', true",
        "1000, 1000, DAC_OVERRIDE, true",
        "1000, 1000, SETUID, true",
        "1000, 1000, SETGID, true",
        "1000, 1000, NET_ADMIN, false",
    })
    void aProcessOfTheHost(long user, long group, String capability, boolean can) {
        Set<Capability> capabilities =
                capability == null || capability.isEmpty()
                        ? Set.of()
                        : Set.of(Capability.valueOf(capability));
        FileAccess access = new FileAccess(user, List.of(group), capabilities, ALL, ALL);
        assertThat(access.canWrite(socket(0660, 0, 997))).isEqualTo(can);
    }

    @Test
    void capabilitiesOfAUserNamespaceCountOverWhatItMaps() {
        Set<Capability> all = Set.of(Capability.values());
        FileAccess inside = new FileAccess(524_288, List.of(524_288L), all, OWN, OWN);
        assertThat(inside.canWrite(socket(0660, 0, 997))).isFalse();
        assertThat(inside.canWrite(socket(0600, 525_288, 525_288))).isTrue();
        assertThat(inside.canWrite(socket(0666, 0, 0))).isTrue();
    }
}

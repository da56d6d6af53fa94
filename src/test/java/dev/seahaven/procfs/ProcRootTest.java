package dev.seahaven.procfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.testing.FaultySyscalls;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Gone, denied and broken are three answers. */
class ProcRootTest {

    @TempDir private Path directory;

    private ProcRoot failing(Errno errno) {
        FaultySyscalls.Pair pair = FaultySyscalls.failing(new LinuxSyscalls(), errno);
        pair.control().armAt(Pattern.compile("(open|readlinkat) .*"), 1);
        return new ProcRoot(pair.syscalls(), directory.toString());
    }

    @Test
    void whatIsThereIsAValue() throws Exception {
        Files.writeString(directory.resolve("meminfo"), "MemTotal: 1 kB\n");
        ProcRoot proc = new ProcRoot(new LinuxSyscalls(), directory.toString());
        assertThat(proc.reading("meminfo")).isEqualTo(new Reading.Value<>("MemTotal: 1 kB\n"));
        assertThat(proc.reading("7/stat")).isInstanceOf(Reading.Gone.class);
        assertThat(proc.read("7/stat")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"ENOENT", "ESRCH"})
    void aProcessThatHasEndedIsGone(Errno errno) {
        assertThat(failing(errno).reading("7/stat")).isInstanceOf(Reading.Gone.class);
        assertThat(failing(errno).read("7/stat")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"EACCES", "EPERM"})
    void whatMayNotBeReadIsDeniedAndNotGone(Errno errno) {
        assertThat(failing(errno).reading("7/uid_map")).isInstanceOf(Reading.Denied.class);
        assertThatThrownBy(() -> failing(errno).read("7/uid_map"))
                .isInstanceOf(SyscallException.class);
    }

    @ParameterizedTest
    @EnumSource(names = {"EMFILE", "ENOMEM", "EIO"})
    void whatFailsOtherwiseIsBrokenAndNotGone(Errno errno) {
        assertThat(failing(errno).reading("7/uid_map")).isInstanceOf(Reading.Broken.class);
        assertThatThrownBy(() -> failing(errno).read("7/uid_map"))
                .isInstanceOf(SyscallException.class);
    }
}

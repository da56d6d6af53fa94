package dev.seahaven.syscall;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SyscallExceptionTest {

    @Test
    void itSaysWhatWasTriedOnWhatAndWhatTheKernelAnswered() {
        SyscallException refusal = new SyscallException("mkdir(\"/x\")", Errno.EACCES);
        assertThat(refusal).hasMessage("mkdir(\"/x\"): EACCES (permission denied)");
        assertThat(refusal.syscall()).isEqualTo("mkdir");
    }

    @Test
    void whereErrnoMisleadsThereIsAHint() {
        assertThat(new SyscallException("fsmount(tmpfs)", Errno.ENOSPC))
                .hasMessageContaining("mount-max");
        assertThat(new SyscallException("clone3(flags 0)", Errno.ENOSPC))
                .hasMessageContaining("max_*_namespaces");
        assertThat(new SyscallException("write(fd 3)", Errno.ENOSPC))
                .hasMessage("write(fd 3): ENOSPC (no space left on device)");
    }
}

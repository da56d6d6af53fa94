package dev.seahaven.syscall;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/** The compiler compares every size, offset and constant with the system's headers. */
class LayoutTest {

    @TempDir private Path directory;

    @Test
    void theCompilerAgrees() throws Exception {
        String headers =
                """
                #define _GNU_SOURCE
                #include <errno.h>
                #include <fcntl.h>
                #include <linux/capability.h>
                #include <linux/nsfs.h>
                #include <linux/openat2.h>
                #include <linux/sched.h>
                #include <linux/sockios.h>
                #include <net/if.h>
                #include <poll.h>
                #include <signal.h>
                #include <stddef.h>
                #include <sys/epoll.h>
                #include <sys/file.h>
                #include <sys/mount.h>
                #include <sys/socket.h>
                #include <sys/stat.h>
                #include <sys/syscall.h>
                #include <sys/uio.h>
                #include <sys/utsname.h>
                """;
        String asserts =
                Layout.CHECKS.stream()
                        .map(check -> assertion(check.expression(), check.value()))
                        .collect(Collectors.joining());
        for (Errno errno : Errno.values()) {
            asserts += assertion(errno.name(), errno.number());
        }
        for (Signal signal : Signal.values()) {
            asserts += assertion("SIG" + signal, signal.number());
        }
        for (Capability capability : Capability.values()) {
            asserts += assertion("CAP_" + capability, capability.ordinal());
        }
        for (CloneFlag flag : CloneFlag.values()) {
            asserts += assertion(flag.name(), flag.value());
        }
        Path source = Files.writeString(directory.resolve("layout.c"), headers + asserts);
        Process compiler =
                new ProcessBuilder("cc", "-fsyntax-only", "-Wall", source.toString())
                        .redirectErrorStream(true)
                        .start();
        String said = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(compiler.waitFor()).as(said).isZero();
    }

    private static String assertion(String expression, long value) {
        return "_Static_assert((%s) == %dL, \"%s\");\n"
                .formatted(expression, value, expression.replace("\"", ""));
    }
}

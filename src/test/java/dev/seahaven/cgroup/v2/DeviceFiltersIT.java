package dev.seahaven.cgroup.v2;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.cgroup.DeviceRules.Rule;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.LinuxSyscalls;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.testing.Outside;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The BPF programs that take the place of the devices controller, on the kernel's own cgroup2. */
class DeviceFiltersIT {

    private final Syscalls syscalls = new LinuxSyscalls();
    private final Path group =
            Outside.cgroup2().resolve("seahaven-test-filter-" + ProcessHandle.current().pid());

    @BeforeEach
    void makeGroup() throws IOException {
        Files.createDirectory(group);
    }

    @AfterEach
    void removeGroup() throws IOException {
        Files.delete(group);
    }

    private String inside(String command) throws Exception {
        Process process =
                new ProcessBuilder("sh", "-c", "echo 0 > " + group + "/cgroup.procs; " + command)
                        .redirectErrorStream(true)
                        .start();
        String text = process.inputReader().readAllAsString();
        process.waitFor();
        return text;
    }

    @Test
    void onlyWhatIsListedCanBeOpenedAndAsItIsListed() throws Exception {
        assertThat(inside("head -c 1 /dev/zero | wc -c")).isEqualTo("1\n");
        assertThat(inside(": < /dev/fuse && echo open")).isEqualTo("open\n");
        try (Fd directory =
                syscalls.open(group.toString(), FileCalls.O_RDONLY | FileCalls.O_DIRECTORY, 0)) {
            new DeviceFilters(syscalls)
                    .attach(
                            directory,
                            List.of(
                                    new Rule('c', 1, 3, "rwm"),
                                    new Rule('c', 1, 5, "r"),
                                    new Rule('c', 136, -1, "rw")));
        }
        assertThat(inside("head -c 1 /dev/zero | wc -c; echo x > /dev/null && echo fine"))
                .isEqualTo("1\nfine\n");
        assertThat(inside(": < /dev/fuse && echo open")).contains("not permitted");
        assertThat(inside("echo x > /dev/zero && echo open")).contains("not permitted");
        assertThat(inside(": < /dev/urandom && echo open")).contains("not permitted");
        assertThat(inside("mknod " + "/dev/shm/seahaven-door c 1 7 && echo made"))
                .contains("not permitted");
    }
}

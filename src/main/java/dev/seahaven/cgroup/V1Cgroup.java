package dev.seahaven.cgroup;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.Signal;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import java.nio.file.Path;
import java.time.Duration;

/**
 * A group on the v1 freezer (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst), which
 * knows no kill.
 */
final class V1Cgroup extends DirectoryCgroup {

    private final Syscalls syscalls;

    V1Cgroup(
            Syscalls syscalls, GroupFiles files, Path directory, String path, Resources resources) {
        super(files, directory, path, resources);
        this.syscalls = syscalls;
    }

    @Override
    Entry open() {
        Fd freezer = files.open(directory);
        return new Entry(null, freezer, openV1(freezer));
    }

    @Override
    public void freeze() {
        write("freezer.state", "FROZEN");
        await(Duration.ofSeconds(1), () -> read("freezer.state").equals("FROZEN"));
    }

    @Override
    public void thaw() {
        write("freezer.state", "THAWED");
    }

    /**
     * Frozen, they cannot fork between the reading of the list and the last signal; thawed, they
     * die.
     */
    @Override
    public void kill() {
        freeze();
        for (int pid : processes()) {
            try (PidFd pidfd = syscalls.pidfdOpen(pid)) {
                syscalls.pidfdSendSignal(pidfd, Signal.KILL);
            } catch (SyscallException e) {
                if (e.errno() != Errno.ESRCH) {
                    throw e;
                }
            }
        }
        thaw();
    }

    @Override
    public boolean isFrozen() {
        return !read("freezer.state").equals("THAWED");
    }

    @Override
    public boolean isPopulated() {
        return !processes().isEmpty();
    }
}

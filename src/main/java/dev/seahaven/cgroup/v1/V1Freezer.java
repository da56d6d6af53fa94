package dev.seahaven.cgroup.v1;

import dev.seahaven.cgroup.Freezer;
import dev.seahaven.cgroup.GroupFiles;
import dev.seahaven.cgroup.ProcessGroup;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.PidFd;
import dev.seahaven.syscall.Signal;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * A group on the v1 freezer (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst), which
 * knows no kill.
 */
public final class V1Freezer implements Freezer {

    private final Syscalls syscalls;
    private final GroupFiles files;
    private final Path group;

    public V1Freezer(Syscalls syscalls, GroupFiles files, Path group) {
        this.syscalls = syscalls;
        this.files = files;
        this.group = group;
    }

    @Override
    public ProcessGroup.Entry open(List<Fd> others) {
        Fd freezer = files.open(group);
        return new ProcessGroup.Entry(
                null, freezer, Stream.concat(Stream.of(freezer), others.stream()).toList());
    }

    private void write(String file, String text) {
        files.write(group, file, text);
    }

    private String read(String file) {
        return files.read(group, file);
    }

    @Override
    public void freeze() {
        write("freezer.state", "FROZEN");
        GroupFiles.await(Duration.ofSeconds(1), () -> read("freezer.state").equals("FROZEN"));
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
        for (int pid : files.allProcesses(group)) {
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
        return !files.allProcesses(group).isEmpty();
    }
}

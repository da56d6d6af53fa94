package dev.seahaven.cgroup.v2;

import dev.seahaven.cgroup.Freezer;
import dev.seahaven.cgroup.GroupFiles;
import dev.seahaven.cgroup.ProcessGroup;
import dev.seahaven.syscall.Fd;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A group on cgroup2 (cgroups(7), Documentation/admin-guide/cgroup-v2.rst), also on one without
 * controllers.
 */
public final class V2Freezer implements Freezer {

    private final GroupFiles files;
    private final Path group;

    public V2Freezer(GroupFiles files, Path group) {
        this.files = files;
        this.group = group;
    }

    @Override
    public ProcessGroup.Entry open(List<Fd> others) {
        return new ProcessGroup.Entry(files.open(group), null, others);
    }

    private void write(String file, String text) {
        files.write(group, file, text);
    }

    private String read(String file) {
        return files.read(group, file);
    }

    @Override
    public void freeze() {
        write("cgroup.freeze", "1");
        GroupFiles.await(Duration.ofSeconds(1), () -> read("cgroup.events").contains("frozen 1"));
    }

    @Override
    public void thaw() {
        write("cgroup.freeze", "0");
    }

    @Override
    public void kill() {
        write("cgroup.kill", "1");
    }

    @Override
    public boolean isFrozen() {
        return read("cgroup.freeze").equals("1");
    }

    @Override
    public boolean isPopulated() {
        return read("cgroup.events").contains("populated 1");
    }
}

package dev.seahaven.cgroup;

import dev.seahaven.syscall.Fd;

import java.nio.file.Path;
import java.time.Duration;

/**
 * A group on cgroup2 (cgroups(7), Documentation/admin-guide/cgroup-v2.rst), also on one without
 * controllers.
 */
final class V2Cgroup extends DirectoryCgroup {

    V2Cgroup(GroupFiles files, Path directory, String path, Resources resources) {
        super(files, directory, path, resources);
    }

    @Override
    Entry open() {
        Fd unified = files.open(directory);
        try {
            return new Entry(unified, null, openV1(null));
        } catch (RuntimeException e) {
            unified.close();
            throw e;
        }
    }

    @Override
    public void freeze() {
        write("cgroup.freeze", "1");
        await(Duration.ofSeconds(1), () -> read("cgroup.events").contains("frozen 1"));
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

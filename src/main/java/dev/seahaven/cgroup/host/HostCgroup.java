package dev.seahaven.cgroup.host;

import dev.seahaven.cgroup.Cgroup;
import dev.seahaven.cgroup.Freezer;
import dev.seahaven.cgroup.GroupFiles;
import dev.seahaven.cgroup.Limits;
import dev.seahaven.cgroup.ProcessGroup;
import dev.seahaven.cgroup.Usage;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The group of a sandbox on the hierarchies of this host, whichever versions they have. */
final class HostCgroup implements Cgroup {

    private final GroupFiles files;
    private final Path directory;
    private final Function<Path, Freezer> freezers;
    private final Freezer freezer;
    private final String path;
    private final Resources resources;
    private volatile @Nullable Limits set;
    private volatile @Nullable Entry opened;

    /**
     * @param directory its group on the hierarchy that freezes and kills
     * @param freezers of the groups there
     */
    HostCgroup(
            GroupFiles files,
            Path directory,
            String path,
            Function<Path, Freezer> freezers,
            Resources resources) {
        this.freezers = freezers;
        this.freezer = freezers.apply(directory);
        this.files = files;
        this.directory = directory;
        this.path = path;
        this.resources = resources;
    }

    @Override
    public void prepare(Limits likely) {
        limit(likely, false);
        opened = open();
        resources.openCounters();
    }

    @Override
    public void limit(Limits limits, boolean accounted) {
        Limits before = set;
        if (before == null) {
            resources.create(limits, accounted);
        } else if (!limits.equals(before)) {
            closeOpened(); // others may be needed
            resources.change(before, limits, List::of);
        }
        set = limits;
    }

    @Override
    public Entry enter() {
        Entry ready = opened;
        opened = null;
        return ready != null ? ready : open();
    }

    @Override
    public List<Shown> shown() {
        return resources.shown();
    }

    @Override
    public ProcessGroup below(String name) {
        Path below = directory.resolve(name);
        files.mkdir(below);
        Freezer own = freezers.apply(below);
        return new ProcessGroup() {
            @Override
            public Entry enter() {
                return open(own);
            }

            @Override
            public List<Integer> processes() {
                return files.allProcesses(below);
            }

            @Override
            public void kill() {
                own.kill();
            }

            @Override
            public boolean isPopulated() {
                return own.isPopulated();
            }

            @Override
            public boolean removeIfEmpty() {
                return files.tryRemove(below);
            }

            @Override
            public void remove() {
                files.removeTree(below, own::kill);
            }
        };
    }

    private Entry open() {
        return open(freezer);
    }

    private Entry open(Freezer of) {
        List<Fd> others = new ArrayList<>();
        try {
            for (Path each : resources.groupsToEnter()) {
                others.add(files.open(each));
            }
            return of.open(others);
        } catch (RuntimeException e) {
            others.forEach(Fd::close);
            throw e;
        }
    }

    private void closeOpened() {
        Entry unused = opened;
        opened = null;
        if (unused != null) {
            unused.close();
        }
    }

    @Override
    public void change(Limits before, Limits after) {
        resources.change(before, after, this::processes);
    }

    @Override
    public Usage usage() {
        return resources.usage();
    }

    @Override
    public Usage.Evidence evidence() {
        return resources.evidence();
    }

    @Override
    public @Nullable Double cpuMillis() {
        return resources.cpuMillis();
    }

    @Override
    public @Nullable Long peakMemoryBytes() {
        return resources.peakMemoryBytes();
    }

    @Override
    public List<Integer> processes() {
        return files.allProcesses(directory);
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public void freeze() {
        freezer.freeze();
    }

    @Override
    public void thaw() {
        freezer.thaw();
    }

    @Override
    public void kill() {
        freezer.kill();
    }

    @Override
    public boolean isPopulated() {
        return freezer.isPopulated();
    }

    @Override
    public boolean isFrozen() {
        return freezer.isFrozen();
    }

    @Override
    public boolean removeIfEmpty() {
        try {
            if (isPopulated()) {
                return false;
            }
        } catch (SyscallException e) {
            if (!Cgroup.isGone(e)) {
                throw e;
            }
        }
        remove();
        return true;
    }

    @Override
    public void remove() {
        closeOpened();
        resources.closeCounters();
        resources.groupsApart().forEach(group -> files.removeTree(group, this::kill));
        files.removeTree(directory, this::kill); // last: what is left half made is found by it
    }
}

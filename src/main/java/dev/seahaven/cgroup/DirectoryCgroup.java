package dev.seahaven.cgroup;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** What both versions have in common: a group is a directory with files to read and write. */
abstract class DirectoryCgroup implements Cgroup {

    private static final Duration REMOVAL = Duration.ofSeconds(10);

    final GroupFiles files;
    final Path directory;
    private final String path;
    private final Resources resources;
    private volatile @Nullable Limits set;
    private volatile @Nullable Entry opened;

    DirectoryCgroup(GroupFiles files, Path directory, String path, Resources resources) {
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

    /** Opens the directories for a launch. */
    abstract Entry open();

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
        return read("cgroup.procs")
                .lines()
                .filter(line -> !line.isBlank())
                .map(Integer::parseInt)
                .toList();
    }

    /** Opens the groups on v1 hierarchies, the given one first. */
    List<Fd> openV1(@Nullable Fd first) {
        List<Fd> opened = new ArrayList<>();
        if (first != null) {
            opened.add(first);
        }
        try {
            for (Path each : resources.v1Groups()) {
                opened.add(files.open(each));
            }
            return opened;
        } catch (RuntimeException e) {
            opened.forEach(Fd::close);
            throw e;
        }
    }

    @Override
    public String path() {
        return path;
    }

    String read(String file) {
        return files.read(directory, file);
    }

    void write(String file, String text) {
        files.write(directory, file, text);
    }

    /** Waits in short steps, that grow, until it holds or the time is over. */
    static boolean await(Duration time, BooleanSupplier condition) {
        long end = System.nanoTime() + time.toNanos();
        long pause = 100_000;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                return false;
            }
            LockSupport.parkNanos(pause);
            pause = Math.min(2 * pause, 20_000_000);
        }
        return true;
    }

    @Override
    public void remove() {
        closeOpened();
        resources.closeCounters();
        resources.ownV1Groups().forEach(this::removeGroup);
        removeGroup(directory); // last: what is left half made is found by it
    }

    private void removeGroup(Path group) {
        if (!files.tryRemove(group)) {
            kill();
            removeTree(group);
        }
    }

    private void removeTree(Path group) {
        if (files.tryRemove(group)) {
            return;
        }
        for (String child : Cgroups.subdirectories(group)) {
            removeTree(group.resolve(child));
        }
        if (!await(REMOVAL, () -> files.tryRemove(group))) {
            throw new SyscallException("rmdir(\"" + group + "\")", Errno.EBUSY);
        }
    }
}

package dev.seahaven.cgroup;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.Digits;

import org.jspecify.annotations.Nullable;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** The files of groups. */
public final class GroupFiles {

    private static final int FILE_MAX = 1 << 20;
    private static final int COUNTER_MAX = 4096;
    private static final Duration REMOVAL = Duration.ofSeconds(10);

    private final Syscalls syscalls;

    public GroupFiles(Syscalls syscalls) {
        this.syscalls = syscalls;
    }

    /** Whether it was not there. */
    public boolean mkdir(Path directory) {
        try {
            syscalls.mkdir(directory.toString(), 0755);
            return true;
        } catch (SyscallException e) {
            if (e.errno() == Errno.EEXIST) {
                return false;
            }
            throw e;
        }
    }

    /** Whether it is gone; false while something is in it. */
    public boolean tryRemove(Path directory) {
        try {
            syscalls.rmdir(directory.toString());
            return true;
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT) {
                return true;
            }
            if (e.errno() == Errno.EBUSY) {
                return false;
            }
            throw e;
        }
    }

    /**
     * Removes a group with all below it; waits up to ten seconds for what was killed.
     *
     * @param kill kills what is in it, and is called where something is
     */
    public void removeTree(Path group, Runnable kill) {
        if (!tryRemove(group)) {
            kill.run();
            removeKilled(group);
        }
    }

    private void removeKilled(Path group) {
        if (tryRemove(group)) {
            return;
        }
        for (String child : subdirectories(group)) {
            removeKilled(group.resolve(child));
        }
        if (!await(REMOVAL, () -> tryRemove(group))) {
            throw new SyscallException("rmdir(\"" + group + "\")", Errno.EBUSY);
        }
    }

    public Fd open(Path directory) {
        return syscalls.open(directory.toString(), Syscalls.O_RDONLY | Syscalls.O_DIRECTORY, 0);
    }

    public void write(Path group, String file, String text) {
        String path = group.resolve(file).toString();
        try (Fd fd = syscalls.open(path, Syscalls.O_WRONLY, 0)) {
            write(fd, path, text);
        }
    }

    /** A refusal tells the file and the text, and no number of a descriptor. */
    private void write(Fd fd, String path, String text) {
        try {
            syscalls.write(fd, text.getBytes(StandardCharsets.US_ASCII));
        } catch (SyscallException e) {
            throw new SyscallException("write(\"" + path + "\", \"" + text + "\")", e.errno());
        }
    }

    /** Whether the file was there. */
    public boolean writeIfThere(Path group, String file, String text) {
        try {
            write(group, file, text);
            return true;
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT) {
                return false;
            }
            throw e;
        }
    }

    public String read(Path group, String file) {
        try (Fd fd = syscalls.open(group.resolve(file).toString(), Syscalls.O_RDONLY, 0)) {
            return new String(syscalls.read(fd, FILE_MAX), StandardCharsets.US_ASCII).trim();
        }
    }

    /** Null where the file is not there. */
    public @Nullable Fd openCounter(Path group, String file) {
        try {
            return syscalls.open(group.resolve(file).toString(), Syscalls.O_RDONLY, 0);
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT) {
                return null;
            }
            throw e;
        }
    }

    /** As it is now. */
    public String readCounter(Fd counter) {
        return new String(syscalls.pread(counter, COUNTER_MAX), StandardCharsets.US_ASCII).trim();
    }

    /**
     * The text of a file; empty where it is not there, its group has just been removed (ENODEV), or
     * the kernel has switched it off (EOPNOTSUPP, as for pressure).
     */
    public String readIfThere(Path group, String file) {
        try {
            return read(group, file);
        } catch (SyscallException e) {
            return switch (e.errno()) {
                case ENOENT, ENODEV, EOPNOTSUPP -> "";
                default -> throw e;
            };
        }
    }

    /** The values of a file with a name and a number in each line. */
    public Map<String, Long> keyed(Path group, String file) {
        return keyed(readIfThere(group, file));
    }

    /** The same of a text. */
    public static Map<String, Long> keyed(String text) {
        Map<String, Long> values = new HashMap<>();
        text.lines()
                .map(line -> line.split(" "))
                .filter(words -> words.length == 2)
                .forEach(words -> values.put(words[0], Long.parseLong(words[1])));
        return values;
    }

    /** The names of the groups below a group. */
    public static List<String> subdirectories(Path group) {
        File[] entries = group.toFile().listFiles(File::isDirectory);
        if (entries == null && Files.exists(group)) {
            throw new IllegalStateException(group + " cannot be listed");
        }
        return entries == null
                ? List.of()
                : Arrays.stream(entries).map(File::getName).sorted().toList();
    }

    /** Waits in short steps, that grow, until it holds or the time is over. */
    public static boolean await(Duration time, BooleanSupplier condition) {
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

    /** The processes in a group, by their numbers in the daemon's pid namespace. */
    public List<Integer> processes(Path group) {
        return read(group, "cgroup.procs")
                .lines()
                .filter(line -> !line.isBlank())
                .map(Integer::parseInt)
                .toList();
    }

    /** The same with those of the groups below it. */
    public List<Integer> allProcesses(Path group) {
        List<String> below = subdirectories(group);
        List<Integer> own = processes(group);
        if (below.isEmpty()) {
            return own;
        }
        List<Integer> all = new ArrayList<>(own);
        below.forEach(name -> all.addAll(unlessRemoved(group.resolve(name))));
        return all;
    }

    private List<Integer> unlessRemoved(Path group) {
        try {
            return allProcesses(group);
        } catch (SyscallException e) {
            if (Cgroup.isGone(e)) {
                return List.of();
            }
            throw e;
        }
    }

    public long number(Path group, String file, long otherwise) {
        return number(readIfThere(group, file), otherwise);
    }

    public static long number(String text, long otherwise) {
        return text.isEmpty() || !Digits.areAll(text.substring(0, 1))
                ? otherwise
                : Long.parseLong(text);
    }

    /** Moves a process with all its threads; one that has ended is passed over. */
    public void move(Path group, int pid) {
        try {
            write(group, "cgroup.procs", Integer.toString(pid));
        } catch (SyscallException e) {
            if (e.errno() != Errno.ESRCH) {
                throw e;
            }
        }
    }
}

package dev.seahaven.procfs;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.Digits;
import dev.seahaven.text.KernelText;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A mounted {@code /proc}, or a captured one. What others have named may hold any byte ({@link
 * KernelText}).
 *
 * @param path of its root
 */
public record ProcRoot(Syscalls syscalls, String path) {

    private static final int FILE_MAX = 16 << 20;

    /** The one that the daemon sees. */
    public static ProcRoot system(Syscalls syscalls) {
        return new ProcRoot(syscalls, "/proc");
    }

    /**
     * The numbers that are entries of a directory, such as the descriptors in {@code 4711/fd}. In
     * no order.
     */
    public Reading<List<Integer>> numbers(String directory) {
        try {
            List<Integer> numbers = new ArrayList<>();
            for (String name : syscalls.list(path + "/" + directory)) {
                if (Digits.areAll(name)) {
                    numbers.add(Integer.parseInt(name));
                }
            }
            return new Reading.Value<>(numbers);
        } catch (SyscallException e) {
            return Reading.of(e);
        }
    }

    /**
     * The pids of all processes there are now, in no order.
     *
     * @throws SyscallException when the directory cannot be read
     * @throws IllegalStateException when it shows no process: at least the caller's own is there
     */
    public List<Integer> processes() {
        List<Integer> found = numbers("").unlessGone().orElse(List.of());
        if (found.isEmpty()) {
            throw new IllegalStateException(path + " shows no process; is it a proc file system?");
        }
        return found;
    }

    /**
     * The lines of a text of the kernel's, which end with a newline alone: String.lines() would cut
     * at a carriage return too, and whoever may give a name could break a line with it.
     */
    public static Stream<String> lines(String text) {
        return text.isEmpty() ? Stream.of() : Arrays.stream(text.split("\n"));
    }

    /**
     * The text of a file, such as {@code 4711/status}; one of more than 16 MiB, which only somebody
     * can want who fills it, cannot be read (EOVERFLOW).
     */
    public Reading<String> reading(String file) {
        // A sysctl is told by the first read alone, so that has to be a large one.
        try (Fd fd = syscalls.open(path + "/" + file, Syscalls.O_RDONLY, 0)) {
            byte[] read = syscalls.read(fd, FILE_MAX);
            if (read.length >= FILE_MAX) {
                throw new SyscallException("read(\"" + path + "/" + file + "\")", Errno.EOVERFLOW);
            }
            return new Reading.Value<>(KernelText.decode(read));
        } catch (SyscallException e) {
            return Reading.of(e);
        }
    }

    /**
     * The text of a file; empty where it or its process is gone.
     *
     * @throws SyscallException when it is there and cannot be read
     */
    public Optional<String> read(String file) {
        return reading(file).unlessGone();
    }

    /** The target of a link, such as {@code 4711/ns/net}. */
    public Reading<String> link(String link) {
        try {
            return new Reading.Value<>(syscalls.readlinkat(Fd.AT_FDCWD, path + "/" + link));
        } catch (SyscallException e) {
            return Reading.of(e);
        }
    }
}

package dev.seahaven.cgroup;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The files of groups. */
final class GroupFiles {

    private static final int FILE_MAX = 1 << 20;
    private static final int COUNTER_MAX = 4096;

    private final Syscalls syscalls;

    GroupFiles(Syscalls syscalls) {
        this.syscalls = syscalls;
    }

    /** Whether it was not there. */
    boolean mkdir(Path directory) {
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
    boolean tryRemove(Path directory) {
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

    Fd open(Path directory) {
        return syscalls.open(directory.toString(), Syscalls.O_RDONLY | Syscalls.O_DIRECTORY, 0);
    }

    void write(Path group, String file, String text) {
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
    boolean writeIfThere(Path group, String file, String text) {
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

    String read(Path group, String file) {
        try (Fd fd = syscalls.open(group.resolve(file).toString(), Syscalls.O_RDONLY, 0)) {
            return new String(syscalls.read(fd, FILE_MAX), StandardCharsets.US_ASCII).trim();
        }
    }

    /** Null where the file is not there. */
    @Nullable Fd openCounter(Path group, String file) {
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
    String readCounter(Fd counter) {
        return new String(syscalls.pread(counter, COUNTER_MAX), StandardCharsets.US_ASCII).trim();
    }

    /** Empty where the file is not there or cannot be read. */
    String readIfThere(Path group, String file) {
        try {
            return read(group, file);
        } catch (SyscallException e) {
            return "";
        }
    }

    long number(Path group, String file, long otherwise) {
        return number(readIfThere(group, file), otherwise);
    }

    static long number(String text, long otherwise) {
        return text.isEmpty() || !Character.isDigit(text.charAt(0))
                ? otherwise
                : Long.parseLong(text);
    }

    /** Moves a process with all its threads; one that has ended is passed over. */
    void move(Path group, int pid) {
        try {
            write(group, "cgroup.procs", Integer.toString(pid));
        } catch (SyscallException e) {
            if (e.errno() != Errno.ESRCH) {
                throw e;
            }
        }
    }
}

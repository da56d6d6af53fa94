package dev.seahaven.syscall;

import com.sun.jna.LastErrorException;

import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** How a system call is made by JNA: repeated after EINTR, told by name when it is refused. */
final class Calling {

    static final int O_CLOEXEC = 02000000;
    static final boolean X86 = "amd64".equals(System.getProperty("os.arch"));
    static final int AF_UNIX = 1;
    static final Fd.Closer CLOSE = Libc::close;

    static int oDirectory() {
        return X86 ? FileCalls.O_DIRECTORY : 040000;
    }

    static int oNofollow() {
        return X86 ? FileCalls.O_NOFOLLOW : 0100000;
    }

    static int call(LongSupplier call, Supplier<String> what) {
        while (true) {
            try {
                return (int) call.getAsLong();
            } catch (LastErrorException e) {
                if (e.getErrorCode() != Errno.EINTR.number()) {
                    throw new SyscallException(what.get(), Errno.of(e.getErrorCode()));
                }
            }
        }
    }

    static Fd fd(LongSupplier call, Supplier<String> what) {
        return new Fd(call(call, what), CLOSE);
    }

    static String quoted(String name, String path) {
        return name + "(\"" + path + "\")";
    }

    private Calling() {}
}

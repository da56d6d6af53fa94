package dev.seahaven.access;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;

/** The secret that requests by TCP must bear. It stands in a file that only root can read. */
public final class Token {

    private static final int BYTES = 32;
    private static final int FILE_MAX = 4096;

    private final Syscalls syscalls;
    private final Path file;
    private volatile byte[] value = new byte[0];

    public Token(Syscalls syscalls, Path file) {
        this.syscalls = syscalls;
        this.file = file;
    }

    /** Reads the file, or makes it with a new secret. */
    public void load() {
        byte[] known = read();
        if (known.length == 0) {
            byte[] secret = new byte[BYTES];
            new SecureRandom().nextBytes(secret);
            known =
                    Base64.getUrlEncoder()
                            .withoutPadding()
                            .encodeToString(secret)
                            .getBytes(StandardCharsets.US_ASCII);
            write(known);
        }
        value = known;
    }

    private byte[] read() {
        try (Fd fd = syscalls.open(file.toString(), Syscalls.O_RDONLY, 0)) {
            return new String(syscalls.read(fd, FILE_MAX), StandardCharsets.US_ASCII)
                    .trim()
                    .getBytes(StandardCharsets.US_ASCII);
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT) {
                return new byte[0];
            }
            throw e;
        }
    }

    private void write(byte[] secret) {
        String part = file + ".part";
        try (Fd fd =
                syscalls.open(
                        part, Syscalls.O_WRONLY | Syscalls.O_CREAT | Syscalls.O_TRUNC, 0600)) {
            syscalls.write(fd, secret);
        }
        syscalls.rename(part, file.toString());
    }

    /** In a time that does not tell how much of it was right. */
    boolean matches(String text) {
        byte[] known = value;
        return known.length > 0
                && MessageDigest.isEqual(known, text.getBytes(StandardCharsets.UTF_8));
    }
}

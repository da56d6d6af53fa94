package dev.seahaven.sandbox.root;

import dev.seahaven.launcher.LaunchPlan.Prepared;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;
import dev.seahaven.text.KernelText;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The files of {@code /etc} by which a sandbox over the host's own root finds names: its own, which
 * is not the host's, and its name servers, where the host keeps them below {@code /run}, which a
 * sandbox has empty.
 */
public final class NameFiles {

    private static final String LOCAL =
            "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
    private static final int FILE_MAX = 64 * 1024;
    private static final int READ_BY_OTHERS = 0004;

    private final Syscalls syscalls;

    public NameFiles(Syscalls syscalls) {
        this.syscalls = syscalls;
    }

    /**
     * @param hostname of a uts namespace of its own; null where it is another's
     * @param hostNetwork whether it is in the host's network, whose names it then knows
     */
    public List<Prepared> of(@Nullable String hostname, boolean hostNetwork) {
        List<Prepared> files = new ArrayList<>();
        if (hostname != null) {
            String known = hostNetwork ? read("/etc/hosts").orElse(LOCAL) : LOCAL;
            files.add(Prepared.file("etc/hostname", hostname + "\n"));
            files.add(Prepared.file("etc/hosts", known + "127.0.1.1\t" + hostname + "\n"));
        }
        if (isLinkIntoRun()) {
            read("/etc/resolv.conf")
                    .ifPresent(text -> files.add(Prepared.file("etc/resolv.conf", text)));
        }
        return files;
    }

    private boolean isLinkIntoRun() {
        try {
            String target = syscalls.readlinkat(Fd.AT_FDCWD, "/etc/resolv.conf");
            return target.startsWith("/run/") || target.startsWith("../run/");
        } catch (SyscallException e) {
            if (e.errno() == Errno.EINVAL || e.errno() == Errno.ENOENT) {
                return false; // a file, or none
            }
            throw e;
        }
    }

    private Optional<String> read(String file) {
        try (Fd open = syscalls.open(file, Syscalls.O_RDONLY | Syscalls.O_NONBLOCK, 0)) {
            if ((syscalls.fstat(open).mode() & READ_BY_OTHERS) == 0) {
                return Optional.empty(); // it was not meant for everybody
            }
            String text = KernelText.decode(syscalls.read(open, FILE_MAX));
            return Optional.of(text.isEmpty() || text.endsWith("\n") ? text : text + "\n");
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT) {
                return Optional.empty();
            }
            throw e;
        }
    }
}

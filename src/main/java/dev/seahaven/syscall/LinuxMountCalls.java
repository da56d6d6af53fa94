package dev.seahaven.syscall;

import static dev.seahaven.syscall.Calling.O_CLOEXEC;
import static dev.seahaven.syscall.Calling.fd;
import static dev.seahaven.syscall.Calling.quoted;
import static dev.seahaven.text.KernelText.cString;

/** {@link MountCalls} by JNA. */
abstract class LinuxMountCalls extends LinuxProcessCalls implements MountCalls {

    private static final int OPEN_TREE_CLOEXEC = O_CLOEXEC;
    private static final int FSOPEN_CLOEXEC = 1;

    @Override
    public Fd openTree(Fd dir, String path, int flags) {
        return fd(
                () ->
                        Libc.syscall(
                                SyscallNumber.OPEN_TREE.value(),
                                dir.number(),
                                cString(path),
                                flags | OPEN_TREE_CLOEXEC),
                () -> quoted("open_tree", path));
    }

    static Fd fsopen(String type) {
        return fd(
                () -> Libc.syscall(SyscallNumber.FSOPEN.value(), cString(type), FSOPEN_CLOEXEC),
                () -> quoted("fsopen", type));
    }
}

package dev.seahaven.syscall;

import static dev.seahaven.syscall.Calling.call;
import static dev.seahaven.syscall.Calling.fd;
import static dev.seahaven.text.KernelText.cString;

import com.sun.jna.LastErrorException;
import com.sun.jna.Memory;
import com.sun.jna.Pointer;

/** {@link KernelCalls} by JNA. */
abstract class LinuxKernelCalls extends LinuxMountCalls implements KernelCalls {

    private static final int BPF_PROG_LOAD = 5;
    private static final int BPF_PROG_ATTACH = 8;
    private static final int BPF_F_ALLOW_MULTI = 2;
    private static final int BPF_ATTRIBUTES_SIZE = 120;
    private static final int FSCONFIG_SET_FD = 5;

    @Override
    public boolean knows(SyscallNumber syscall) {
        try {
            Libc.syscall(syscall.value(), -1, 0, Pointer.NULL, 0);
            return true;
        } catch (LastErrorException e) {
            return e.getErrorCode() != Errno.ENOSYS.number();
        }
    }

    @Override
    public boolean fileSystemHasOption(String type, String option, String path) {
        try (Fd fs = fsopen(type);
                Fd value = open(path, O_RDONLY, 0)) {
            Libc.syscall(
                    SyscallNumber.FSCONFIG.value(),
                    fs.number(),
                    FSCONFIG_SET_FD,
                    cString(option),
                    Pointer.NULL,
                    value.number());
            return true;
        } catch (LastErrorException | SyscallException e) {
            return false;
        }
    }

    @Override
    public boolean knowsFileSystem(String type) {
        try (Fd fs = fsopen(type)) {
            return fs.number() >= 0;
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENODEV) {
                return false;
            }
            throw e;
        }
    }

    @Override
    public boolean knowsPidfdExitInfo(PidFd pidfd) {
        try (Memory info = new Memory(PIDFD_INFO_SIZE)) {
            info.clear();
            info.setLong(0, PIDFD_INFO_EXIT);
            Libc.ioctl(pidfd.number(), PIDFD_GET_INFO, info);
            return true;
        } catch (LastErrorException e) {
            return e.getErrorCode() == Errno.ESRCH.number();
        }
    }

    @Override
    public int landlockAbi() {
        try {
            return call(
                    () -> Libc.syscall(SyscallNumber.LANDLOCK_CREATE_RULESET.value(), 0, 0, 1),
                    () -> "landlock_create_ruleset(LANDLOCK_CREATE_RULESET_VERSION)");
        } catch (SyscallException e) {
            return 0; // ENOSYS, or EOPNOTSUPP where it was switched off
        }
    }

    @Override
    public Fd bpfProgLoad(int type, byte[] instructions) {
        try (Memory code = new Memory(instructions.length);
                Memory license = new Memory(4);
                Memory attributes = new Memory(BPF_ATTRIBUTES_SIZE)) {
            code.write(0, instructions, 0, instructions.length);
            license.setString(0, "GPL");
            attributes.clear();
            attributes.setInt(0, type);
            attributes.setInt(4, instructions.length / 8);
            attributes.setPointer(8, code);
            attributes.setPointer(16, license);
            return fd(
                    () ->
                            Libc.syscall(
                                    SyscallNumber.BPF.value(),
                                    BPF_PROG_LOAD,
                                    attributes,
                                    BPF_ATTRIBUTES_SIZE),
                    () -> "bpf(BPF_PROG_LOAD, type " + type + ")");
        }
    }

    @Override
    public void bpfProgAttach(Fd cgroup, Fd program, int type) {
        try (Memory attributes = new Memory(BPF_ATTRIBUTES_SIZE)) {
            attributes.clear();
            attributes.setInt(0, cgroup.number());
            attributes.setInt(4, program.number());
            attributes.setInt(8, type);
            attributes.setInt(12, BPF_F_ALLOW_MULTI);
            call(
                    () ->
                            Libc.syscall(
                                    SyscallNumber.BPF.value(),
                                    BPF_PROG_ATTACH,
                                    attributes,
                                    BPF_ATTRIBUTES_SIZE),
                    () -> "bpf(BPF_PROG_ATTACH, " + cgroup + ")");
        }
    }
}

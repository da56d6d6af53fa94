package dev.seahaven.sandbox.launch;

import dev.seahaven.cgroup.DeviceRules;
import dev.seahaven.claim.Claims;
import dev.seahaven.launcher.LaunchPlan.Device;
import dev.seahaven.problem.Problem;
import dev.seahaven.sandbox.spec.Security;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.Fd;
import dev.seahaven.syscall.FileCalls;
import dev.seahaven.syscall.SyscallException;
import dev.seahaven.syscall.Syscalls;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** Device nodes of the host that a sandbox was given. */
final class Devices {

    private static final String DEV = "/dev/";

    private Devices() {}

    /**
     * @param rules null where it has the usual ones only
     */
    record Opened(List<Device> nodes, @Nullable DeviceRules rules) {}

    /**
     * @throws Problem 400 where a path is no device node
     */
    static Opened open(Syscalls syscalls, Security security, Claims descriptors) {
        List<Device> nodes = new ArrayList<>();
        List<DeviceRules.Rule> rules = new ArrayList<>();
        for (int i = 0; i < security.devices().size(); i++) {
            Security.Device device = security.devices().get(i);
            String field = "security.devices[" + i + "].path";
            try {
                Fd node =
                        descriptors.opened(
                                syscalls.openTree(
                                        Fd.AT_FDCWD, device.path(), Syscalls.OPEN_TREE_CLONE));
                FileCalls.Stat about = syscalls.fstat(node);
                if (!about.isBlockDevice() && !about.isCharacterDevice()) {
                    throw Problem.invalid(field, "is no device node");
                }
                nodes.add(new Device(node, device.path().substring(DEV.length())));
                rules.add(
                        new DeviceRules.Rule(
                                about.isBlockDevice() ? 'b' : 'c',
                                about.major(),
                                about.minor(),
                                device.permissions()));
            } catch (SyscallException e) {
                if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
                    throw Problem.invalid(field, "is not there on the host");
                }
                throw e;
            }
        }
        if (security.privileged()) {
            return new Opened(nodes, new DeviceRules(true, List.of()));
        }
        return new Opened(nodes, rules.isEmpty() ? null : new DeviceRules(false, rules));
    }
}

package dev.seahaven.sandbox.spec;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What of the kernel's security modules is there.
 *
 * @param landlockAbi 0 where there is no Landlock (landlock(7))
 */
public record KernelSecurity(int landlockAbi, boolean hasAppArmor, boolean hasSelinux) {

    public static KernelSecurity of(int landlockAbi) {
        return new KernelSecurity(
                landlockAbi,
                Files.isDirectory(Path.of("/proc/self/attr/apparmor"))
                        && Files.exists(Path.of("/sys/kernel/security/apparmor/profiles")),
                Files.exists(Path.of("/sys/fs/selinux/enforce")));
    }
}

package dev.seahaven.sandbox.life;

import dev.seahaven.sandbox.guard.Guarded;
import dev.seahaven.sandbox.launch.SandboxLauncher;
import dev.seahaven.sandbox.root.RootSource;
import dev.seahaven.syscall.SyscallException;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;

/** A sandbox as the guards see it. */
record GuardedSandbox(
        Sandbox sandbox, SandboxFiles files, SandboxLauncher launches, SandboxCommands commands)
        implements Guarded {

    /** Whether the reason is that of a guard. */
    static boolean isEnded(Exit.@Nullable Reason ending) {
        return ending == Exit.Reason.DISK_LIMIT || ending == Exit.Reason.KERNEL_MEMORY_LIMIT;
    }

    @Override
    public String name() {
        return "sandbox " + sandbox.id();
    }

    @Override
    public List<Integer> processes() {
        try {
            return launches.cgroup(sandbox.id()).processes();
        } catch (SyscallException e) {
            return List.of(); // it has just ended
        }
    }

    @Override
    public @Nullable Path layers() {
        return RootSource.isOnDisk(sandbox.spec()) ? files.layers(sandbox.id()) : null;
    }

    @Override
    public long openFilesOfProcess() {
        return sandbox.spec().limits().openFiles();
    }

    @Override
    public void end(Excess why) {
        commands.end(sandbox, Exit.Reason.of(why));
    }
}

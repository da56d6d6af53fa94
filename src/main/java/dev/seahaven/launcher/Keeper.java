package dev.seahaven.launcher;

import dev.seahaven.launcher.LaunchPlan.Credentials;
import dev.seahaven.launcher.LaunchPlan.Descriptors;
import dev.seahaven.launcher.LaunchPlan.Flag;
import dev.seahaven.launcher.LaunchPlan.Join;
import dev.seahaven.launcher.LaunchPlan.Limits;
import dev.seahaven.launcher.LaunchPlan.Maps;
import dev.seahaven.launcher.LaunchPlan.Program;
import dev.seahaven.launcher.LaunchPlan.TimeOffsets;
import dev.seahaven.syscall.CloneFlag;
import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * A tiny process that does nothing but be in namespaces, for as long as somebody works with it: to
 * look at what no thread of a JVM can enter, and to hold what is being given a name. One that is
 * {@link #keep kept} outlives that, and the daemon.
 */
public final class Keeper {

    private final Launch launch;
    private final int pid;

    private Keeper(Launch launch, int pid) {
        this.launch = launch;
        this.pid = pid;
    }

    /**
     * Starts one, works with it, and ends it; where somebody else kills it meanwhile, once more.
     *
     * @param newNamespaces what to make; {@code time} gets the offsets
     * @param joins what to enter, {@code user} last
     * @param maps of a new user namespace
     * @param work leaves nothing behind when it fails
     * @throws LauncherException when the kernel refuses
     */
    public static <T> T with(
            Launcher launcher,
            Set<CloneFlag> newNamespaces,
            List<Join> joins,
            Maps maps,
            TimeOffsets offsets,
            Function<Keeper, T> work) {
        Set<CloneFlag> cloned = EnumSet.noneOf(CloneFlag.class);
        cloned.addAll(newNamespaces);
        Set<Flag> flags = EnumSet.noneOf(Flag.class);
        if (cloned.remove(CloneFlag.CLONE_NEWTIME)) {
            flags.add(Flag.TIME_NS);
        }
        LaunchPlan plan =
                LaunchPlan.withoutRoot(
                        LaunchKind.KEEPER,
                        flags,
                        cloned,
                        joins,
                        Descriptors.NONE,
                        maps,
                        offsets,
                        new Credentials(0, 0, List.of(), 0, 0),
                        new Limits(null, 0, 0, 0),
                        LaunchPlan.Hardening.NONE,
                        List.of(),
                        new Program(List.of("keeper"), List.of(), "/"));
        return MonitorLostException.tryAgain(() -> with(launcher, plan, work));
    }

    private static <T> T with(Launcher launcher, LaunchPlan plan, Function<Keeper, T> work) {
        Started started = new Started(() -> {});
        try (Launch launch = launcher.launch(plan, started)) {
            return work.apply(new Keeper(launch, started.await()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SyscallException("launch(keeper)", Errno.EINTR);
        } catch (SyscallException e) {
            throw switch (e.errno()) {
                case ENOENT, ESRCH -> new MonitorLostException(false); // its directory in proc
                default -> e;
            };
        }
    }

    /** Its number in the daemon's pid namespace. */
    public int pid() {
        return pid;
    }

    /**
     * From now on it lives until it is told to end (SIGTERM).
     *
     * @throws MonitorLostException when it was killed
     */
    public void keep() {
        launch.keep();
    }
}

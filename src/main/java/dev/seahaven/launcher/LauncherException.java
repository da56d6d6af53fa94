package dev.seahaven.launcher;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;

import java.util.OptionalInt;

/** A launch that ended at a stage. Its cause is the system call that failed there. */
public final class LauncherException extends RuntimeException {

    private static final int NOT_FOUND = 127;
    private static final int NOT_EXECUTABLE = 126;

    private final Stage stage;
    private final SyscallException refusal;

    private final int item;

    /**
     * @param item the number of the plan's item that failed at this stage; {@link
     *     Report.Failed#NO_ITEM} where none did
     */
    public LauncherException(Stage stage, int item, SyscallException refusal) {
        super("stage " + stage.text() + ": " + refusal.getMessage(), refusal);
        this.stage = stage;
        this.item = item;
        this.refusal = refusal;
    }

    /** The exception for a launch that failed. */
    public static LauncherException of(Report.Failed failed) {
        return new LauncherException(
                failed.stage(), failed.item(), new SyscallException(failed.call(), failed.errno()));
    }

    public Stage stage() {
        return stage;
    }

    /** The number of the plan's item that failed, in the order of the plan; negative for none. */
    public int item() {
        return item;
    }

    /** Whether somebody has killed the child before it executed the command. */
    public boolean isLost() {
        return stage == Stage.LOST;
    }

    /**
     * What a shell would exit with when the program cannot be executed: 127 when it is not found,
     * 126 when it is not executable. Empty for every other failure, which is an error of ours.
     */
    public OptionalInt shellExitCode() {
        if (stage != Stage.EXEC) {
            return OptionalInt.empty();
        }
        return switch (errno()) {
            case ENOENT, ENOTDIR -> OptionalInt.of(NOT_FOUND);
            case EACCES, EISDIR, ENOEXEC, ELIBBAD, ELOOP, ENAMETOOLONG, EPERM, ETXTBSY, EINVAL ->
                    OptionalInt.of(NOT_EXECUTABLE);
            default -> OptionalInt.empty();
        };
    }

    public Errno errno() {
        return refusal.errno();
    }

    public SyscallException refusal() {
        return refusal;
    }
}

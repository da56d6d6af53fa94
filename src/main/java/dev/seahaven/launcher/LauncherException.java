package dev.seahaven.launcher;

import dev.seahaven.syscall.Errno;
import dev.seahaven.syscall.SyscallException;

import java.util.Locale;

/** A launch that ended at a stage. Its cause is the system call that failed there. */
public final class LauncherException extends RuntimeException {

    private final Stage stage;
    private final SyscallException refusal;

    public LauncherException(Stage stage, SyscallException refusal) {
        super(
                "stage "
                        + stage.name().toLowerCase(Locale.ROOT).replace('_', '-')
                        + ": "
                        + refusal.getMessage(),
                refusal);
        this.stage = stage;
        this.refusal = refusal;
    }

    /** The exception for a launch that failed. */
    public static LauncherException of(Report.Failed failed) {
        return new LauncherException(
                failed.stage(), new SyscallException(failed.call(), failed.errno()));
    }

    public Stage stage() {
        return stage;
    }

    public Errno errno() {
        return refusal.errno();
    }

    public SyscallException refusal() {
        return refusal;
    }
}
